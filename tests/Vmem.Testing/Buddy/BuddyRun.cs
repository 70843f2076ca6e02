using System.Numerics;

namespace Vmem.Testing.Buddy;

/// <summary>Does a scenario's steps to an allocator and to the model, and compares all that can be asked.</summary>
public sealed class BuddyRun<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly BuddyScenario _scenario;
    private readonly BuddyAllocator<T> _allocator;
    private readonly T _start;
    private readonly long _unit;
    private BuddyModel _model;
    private long _failures;
    private long _allocations;
    private long _leastFree;

    private BuddyRun(BuddyScenario scenario, BuddyAllocatorOptions options)
    {
        _scenario = scenario;
        T size = T.CreateChecked(scenario.Size);
        _start = scenario.AtTop ? T.MaxValue - size + T.One : T.CreateChecked(scenario.Start);
        _unit = 1L << scenario.MinShift;
        _allocator = new BuddyAllocator<T>(_start, size, T.One << scenario.MinShift, T.One << scenario.MaxShift, options);
        _model = NewModel();
        _leastFree = _model.Units;
    }

    /// <summary>What went wrong first; null if nothing did.</summary>
    public static string? FirstFault(BuddyScenario scenario, BuddyAllocatorOptions options)
    {
        BuddyRun<T> run = new(scenario, options);
        int number = 0;
        try
        {
            run.Compare();
            foreach (BuddyStep step in scenario.Steps)
            {
                number++;
                run.Do(step);
                run.Compare();
            }

            return null;
        }
        catch (Exception fault)
        {
            return $"After {number} steps: {fault.Message}";
        }
    }

    private BuddyModel NewModel() => new(_scenario.Size / _unit, _scenario.MaxShift - _scenario.MinShift);

    private T At(long offset) => _start + T.CreateTruncating(offset);

    /// <summary>The offset that an offset is: one outside of a narrow type's values is one of them.</summary>
    private static long InType(long offset) => long.CreateTruncating(T.CreateTruncating(offset));

    private long Block(int order) => _unit << order;

    private int OrderFor(long size)
    {
        int order = 0;
        while (Block(order) < size)
        {
            order++;
        }

        return order;
    }

    private void Do(BuddyStep step)
    {
        long[] live = [.. _model.Live.Keys];
        long target = live.Length == 0 ? 0 : live[step.Target % live.Length];
        switch (step.Kind)
        {
            case BuddyStepKind.Allocate:
                Allocate(step.Size);
                break;
            case BuddyStepKind.Free when live.Length > 0:
                _allocator.Free(At(target * _unit));
                _model.Give(target);
                break;
            case BuddyStepKind.FreeWrong:
                FreeAnything(InType(step.Offset));
                break;
            case BuddyStepKind.Resize when live.Length > 0:
                Expect(
                    _model.Resize(target, OrderFor(step.Size)),
                    _allocator.TryResize(At(target * _unit), T.CreateTruncating(step.Size)),
                    "a resize's answer");
                break;
            case BuddyStepKind.Reset:
                _allocator.Reset();
                _model = NewModel();
                break;
            default:
                Ask(InType(step.Offset));
                break;
        }

        _leastFree = Math.Min(_leastFree, _model.FreeUnits);
    }

    private void Allocate(long size)
    {
        if (T.CreateTruncating(size) != T.CreateSaturating(size))
        {
            return;
        }

        int order = OrderFor(size);
        long unit = order > _model.MaxOrder ? -1 : _model.Take(order);
        Expect(unit >= 0, _allocator.TryAllocate(T.CreateTruncating(size), out T start), $"whether {size} fits");
        Expect(unit >= 0 ? At(unit * _unit) : T.Zero, start, $"where {size} was allocated");
        _failures += unit < 0 ? 1 : 0;
        _allocations += unit < 0 ? 0 : 1;
    }

    /// <summary>Frees any value; if that is right by chance, it shall work.</summary>
    private void FreeAnything(long offset)
    {
        (long Start, int Order, bool IsFree)? block = BlockAt(offset);
        InvalidFreeReason? expected =
            block is not { } found ? InvalidFreeReason.NotAllocated :
            found.IsFree ? InvalidFreeReason.AlreadyFree :
            found.Start * _unit != offset ? InvalidFreeReason.InteriorAddress : null;
        InvalidFreeReason? actual = null;
        try
        {
            _allocator.Free(At(offset));
            _model.Give(offset / _unit);
        }
        catch (InvalidFreeException refusal)
        {
            actual = refusal.Reason;
        }

        Expect(expected, actual, $"the refusal of a free at offset {offset}");
    }

    private (long Start, int Order, bool IsFree)? BlockAt(long offset)
    {
        if (offset < 0 || offset >= _model.Units * _unit)
        {
            return null;
        }

        return _model.Blocks().Last(block => block.Start <= offset / _unit);
    }

    private void Ask(long offset)
    {
        (long Start, int Order, bool IsFree)? block = BlockAt(offset);
        Expect(block is not null, _allocator.Contains(At(offset)), $"whether offset {offset} is contained");
        Expect(block is { IsFree: false }, _allocator.IsAllocated(At(offset)), $"whether offset {offset} is allocated");
        Expect(block is not null, _allocator.TryGetFragment(At(offset), out BuddyFragment<T> fragment), $"whether a fragment holds offset {offset}");
        if (block is not var (start, order, isFree))
        {
            return;
        }

        Expect(new BuddyFragment<T>(_allocator, At(start * _unit), T.CreateTruncating(Block(order)), !isFree), fragment, $"the fragment at offset {offset}");
        long buddy = start ^ (1L << order);
        bool hasBuddy = order < _model.MaxOrder && buddy + (1L << order) <= _model.Units;
        Expect(hasBuddy, _allocator.TryGetBuddy(fragment.Start, out T found), $"whether the block at {start} has a buddy");
        Expect(hasBuddy ? At(buddy * _unit) : T.Zero, found, $"the buddy of the block at {start}");
        if (!isFree)
        {
            Expect(fragment.Size, _allocator.GetBlockSize(fragment.Start), $"the size of the block at {start}");
        }
    }

    private void Compare()
    {
        _allocator.Validate();
        BuddyStatistics<T> figures = _allocator.GetStatistics();
        Expect(_model.FreeUnits * _unit, long.CreateChecked(figures.Free), "what is free");
        Expect((_model.Units - _model.FreeUnits) * _unit, long.CreateChecked(figures.InUse), "what is in use");
        Expect(_scenario.Size, long.CreateChecked(figures.TotalSize), "the total size");
        Expect(_scenario.Size % _unit, long.CreateChecked(figures.Unusable), "what is unusable");
        Expect(_model.LargestFreeOrder < 0 ? 0 : Block(_model.LargestFreeOrder), long.CreateChecked(figures.LargestFree), "the largest free block");
        Expect((_model.FreeBlocks, (long)_model.Live.Count), (figures.FreeBlocks, figures.LiveBlocks), "the number of blocks");
        Expect((_allocations, _failures, _allocations - _model.Live.Count), (figures.Allocations, figures.Failures, figures.Frees), "the counts");
        Expect((_model.Units - _leastFree) * _unit, long.CreateChecked(figures.PeakInUse), "the peak");
        var fragments = _allocator.GetFragments().Select(fragment => (fragment.Start, fragment.Size, fragment.IsAllocated));
        var blocks = _model.Blocks().Select(block => (At(block.Start * _unit), T.CreateTruncating(Block(block.Order)), !block.IsFree));
        Expect(true, fragments.SequenceEqual(blocks), "the list of all blocks");
    }

    private static void Expect<TValue>(TValue expected, TValue actual, string what)
    {
        if (!EqualityComparer<TValue>.Default.Equals(expected, actual))
        {
            throw new InvalidOperationException($"{what}: {expected} was expected, and {actual} is there.");
        }
    }
}
