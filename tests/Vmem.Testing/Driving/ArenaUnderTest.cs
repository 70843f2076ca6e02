using System.Numerics;
using Vmem.Diagnostics;
using Vmem.Testing.Generation;
using Vmem.Testing.Model;
using Vmem.Testing.Recording;
using Vmem.Testing.Time;

namespace Vmem.Testing.Driving;

/// <summary>An <see cref="Arena{T}"/> whose addresses are the model's plus a base; the base lets 16 bits' worth of model lie at the very
/// top of a 64-bit type.</summary>
public sealed partial class ArenaUnderTest<T> : IArenaUnderTest
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly T _base;
    private readonly List<RangeHandle<T>> _handles = [];
    private readonly ManualTime _time = new();
    private readonly ArenaOptions<T> _options;
    private Arena<T> _arena;
    private RecordedArena<T>? _recorded;

    /// <summary>What an audited arena wants freed with FreeConstrained, and what it lets nobody free in a batch; null without an
    /// audit.</summary>
    private readonly AuditedCalls<T>? _calls;

    public ArenaUnderTest(ArenaLayout layout, T origin, bool audit = false, bool record = false)
    {
        _base = origin;
        _options = new ArenaOptions<T>
        {
            Policy = layout.Policy,
            RandomSeed = (ulong)layout.Spans.Count,
            KeepIndexes = layout.Spans.Count == 3,
            SingleThreaded = layout.SingleThreaded,
            QuantumCacheMax = Amount(layout.CacheMax),
            Audit = audit,
            TimeProvider = _time,
            ReuseDelay = TimeSpan.FromMilliseconds(layout.ReuseDelay),
            CutRestsShort = layout.CutRestsShort
        };
        _calls = audit ? new AuditedCalls<T>() : null;
        _arena = layout.IsWhole ? Arena<T>.OverAll("model", Amount(layout.Quantum), _options)
            : new Arena<T>("model", Amount(layout.Quantum), _options);
        _recorded = record ? new RecordedArena<T>(_arena) : null;
    }

    public bool FreesInParts => _calls is not null;

    public long MaxAmount { get; } = long.CreateSaturating(T.MaxValue);

    public ReproductionWriter? Journal
    {
        get;
        set
        {
            field = value;
            field?.Line($"Arena<{typeof(T).Name}> arena = new(\"model\", {_arena.Quantum}, new ArenaOptions<{typeof(T).Name}> {{ {(_options.Audit ? "Audit = true, " : "")}Policy = FitPolicy.{_options.Policy}, RandomSeed = {_options.RandomSeed}, KeepIndexes = {(_options.KeepIndexes ? "true" : "false")}, SingleThreaded = {(_options.SingleThreaded ? "true" : "false")}, QuantumCacheMax = {_options.QuantumCacheMax}, TimeProvider = time, ReuseDelay = TimeSpan.FromMilliseconds({_options.ReuseDelay.TotalMilliseconds}), CutRestsShort = {(_options.CutRestsShort ? "true" : "false")} }});");
        }
    }

    public void Dispose()
    {
        _recorded?.Check();
        _recorded?.Dispose();
        _arena.Dispose();
    }

    public Outcome AddSpan(int start, int size)
    {
        Journal?.Line($"arena.AddSpan({Address(start)}, {size});");
        return Guard(() =>
        {
            _arena.AddSpan(Address(start), Amount(size));
            return Outcome.Done();
        });
    }

    public Outcome RemoveSpan(int start, int size)
    {
        Journal?.Line($"arena.TryRemoveSpan({Address(start)}, {size});");
        return Guard(() => Outcome.When(_arena.TryRemoveSpan(Address(start), Amount(size))));
    }

    public Outcome Reap()
    {
        Journal?.Line("arena.Reap();");
        return Guard(() => Outcome.Done(int.CreateChecked(_arena.Reap())));
    }

    public void SnapshotAndRestore(int flavor)
    {
        Journal?.Line($"arena = Arena<{typeof(T).Name}>.Restore(arena.Snapshot());");
        ArenaSnapshot<T> snapshot = _arena.Snapshot();
        snapshot = flavor % 2 == 0 ? snapshot : ArenaSnapshot<T>.FromJson(snapshot.ToJson());
        Arena<T> restored = Arena<T>.Restore(snapshot, _options);
        _recorded?.Check();
        _recorded?.Dispose();
        _recorded = _recorded is null ? null : new RecordedArena<T>(restored);
        _arena.Dispose();
        _arena = restored;
        _calls?.Forget();
    }

    public List<(int Start, int Size)> FreedOrder() =>
        [.. _arena.Snapshot().Freed.Select(freed => (Local(freed.Start), int.CreateChecked(freed.Size)))];

    public bool Contains(int value) => _arena.Contains(Address(value));

    public bool TryGetSegment(int value, out ModelSegment segment)
    {
        Journal?.Line($"arena.TryGetSegment({Address(value)}, out _);");
        bool found = _arena.TryGetSegment(Address(value), out Segment<T> there);
        segment = found ? Local(there) : default;
        return found;
    }

    public ModelReport Explain(int size, in ModelConstraints constraints)
    {
        Journal?.Line($"arena.Explain({size}, {Text(constraints)});");
        FitReport<T> report = _arena.Explain(Amount(size), Shift(constraints));
        return new ModelReport(
            report.Failure, report.Fits ? Local(report.Start) : 0, int.CreateSaturating(report.Size), long.CreateSaturating(report.Free),
            long.CreateSaturating(report.LargestFree), long.CreateSaturating(report.LargestSpan), report.LongEnough);
    }

    public void Validate() => _arena.Validate();

    public void CopySegments(List<ModelSegment> segments)
    {
        segments.Clear();
        foreach (Segment<T> segment in _arena.GetSegments())
        {
            segments.Add(Local(segment));
        }
    }

    public ModelStatistics GetStatistics()
    {
        ArenaStatistics<T> statistics = _arena.GetStatistics();
        return new ModelStatistics(
            long.CreateSaturating(statistics.TotalSize), long.CreateSaturating(statistics.InUse),
            Math.Min(long.CreateSaturating(statistics.Free) + long.CreateSaturating(statistics.Cached), MaxAmount),
            long.CreateSaturating(
                statistics.LargestFree), long.CreateSaturating(statistics.PeakInUse), statistics.Allocations, statistics.Frees,
            statistics.Failures, statistics.LiveSegments, statistics.FreeSegments, long.CreateSaturating(statistics.Resting),
            long.CreateSaturating(statistics.Draining));
    }

    private static T Amount(int size) => T.CreateChecked(size);

    private static Outcome Guard(Func<Outcome> call)
    {
        try
        {
            return call();
        }
        catch (ArgumentException)
        {
            return Outcome.BadArgument;
        }
        catch (ArenaExhaustedException)
        {
            return Outcome.Refused;
        }
        catch (InvalidFreeException wrong)
        {
            return Outcome.BadFree(wrong.Reason);
        }
    }

    private T Address(int value) => _base + Amount(value);

    private int Local(T address) => int.CreateSaturating(address - _base);

    private ModelSegment Local(in Segment<T> segment) => new(Local(segment.Start), int.CreateSaturating(segment.Size), segment.Kind);

    private RangeConstraints<T> Shift(in ModelConstraints constraints) => new()
    {
        Align = Amount(constraints.Align),
        Phase = Amount(constraints.Phase),
        NoCross = Amount(constraints.NoCross),
        Min = constraints.Min == 0 ? T.Zero : Address(constraints.Min),
        Max = constraints.Max == 0 ? T.Zero : Address(constraints.Max),
    };

    private string Text(in ModelConstraints constraints)
    {
        RangeConstraints<T> shifted = Shift(constraints);
        return $"new() {{ Align = {shifted.Align}, Phase = {shifted.Phase}, NoCross = {shifted.NoCross}, Min = {shifted.Min}, Max = {shifted.Max} }}";
    }
}
