using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Ranges;
using Vmem.Segments;
using Vmem.Space;
using Vmem.Testing.Generation;
using Vmem.Testing.Model;
using Vmem.Testing.Time;
using Vmem.Waiting;
using Xunit;

namespace Vmem.Tests.Waiting;

/// <summary>
/// One arena and the brute-force model of it, driven through a random order of requests, frees, cancellations, passing time and changes of
/// spans. The model of waiting is a list: after every step its head must be impossible to meet, and whoever left it must have been its head
/// when there was a place.
/// </summary>
/// <remarks>
/// Which place is taken is the arena's choice; whether it was free, and whose turn it was, is the model's. Everything happens on one thread
/// and in a drawn order, so that a seed is a whole history.
/// </remarks>
internal sealed class WaitScheduler : IDisposable
{
    private const int Top = 512;

    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    private readonly SeededRandom _random;
    private readonly ManualTime _time = new();
    private readonly Arena<uint> _arena;
    private readonly ArenaModel _model;
    private readonly List<Entry> _queue = [];
    private readonly bool _hasCaches;
    private readonly int _upkeepTimers;
    private readonly List<(uint Start, RangeHandle<uint> Handle)> _handles = [];
    private long _waits;
    private long _failures;
    private long _allocations;

    public WaitScheduler(ulong seed, bool caches)
    {
        _random = new SeededRandom(seed);
        Quantum = 1 << _random.Below(3);
        FitPolicy policy = (FitPolicy)_random.Below(7);
        policy = caches && policy is FitPolicy.NextFit or > FitPolicy.LastFit ? FitPolicy.FirstFit : policy;
        bool singleThreaded = _random.Below(2) == 0;
        uint cacheMax = caches ? (uint)(Quantum * (1 + _random.Below(20))) : 0;
        _hasCaches = caches;
        _upkeepTimers = caches && !singleThreaded ? 1 : 0;
        _model = new ArenaModel(Top, Quantum, policy, uint.MaxValue);
        _arena = new Arena<uint>(
            "scheduled",
            (uint)Quantum,
            new ArenaOptions<uint> { Policy = policy, TimeProvider = _time, SingleThreaded = singleThreaded, QuantumCacheMax = cacheMax });
        AddSpan();
    }

    public int Granted { get; private set; }

    public int GaveUp { get; private set; }

    public int Impossible { get; private set; }

    private int Quantum { get; }

    public void Step()
    {
        switch (_random.Below(20))
        {
            case < 6:
                Wait();
                break;
            case < 8:
                TryAllocate();
                break;
            case < 13:
                Free();
                break;
            case 13:
                FreeMany();
                break;
            case 14:
                Extend();
                break;
            case 15:
                AddSpan();
                break;
            case 16:
                RemoveSpan();
                break;
            case 17:
                Cancel();
                break;
            case 18:
                AdvanceTime();
                break;
            default:
                _arena.Reap();
                _arena.RetryWaiters();
                break;
        }

        Check();
    }

    /// <summary>Frees everything; whoever can be met at all has been met by then.</summary>
    public void FreeAll()
    {
        while (_model.LiveCount > 0)
        {
            FreeAt(_model.LiveAt(0).Start);
            Check();
        }

        Assert.Empty(_queue);
        Assert.Equal(0u, _arena.GetStatistics().InUse);
        _arena.Reap();
        Assert.Equal(_model.Spans.Count, _arena.GetStatistics().FreeSegments);
    }

    /// <summary>Disposes the arena with everybody who waits.</summary>
    public void DisposeAll()
    {
        _arena.Dispose();
        Assert.All(_queue, entry => Assert.IsType<ObjectDisposedException>(entry.Waiter.Task.Exception?.InnerException));
        Assert.Equal(0, _time.Timers);
    }

    public void Dispose() => _arena.Dispose();

    private static class Accessor<T>
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "Room")]
        public static extern WaitingRoom<T> Room(Arena<T> arena);
    }

    private void Wait()
    {
        int size = 1 + _random.Below(_random.Below(4) == 0 ? 200 : 40);
        FitPolicy policy = (FitPolicy)_random.Below(7);
        ModelConstraints constraints = Constraints(size);
        var exact = new RangeConstraints<uint>
        {
            Align = (uint)constraints.Align,
            Phase = (uint)constraints.Phase,
            NoCross = (uint)constraints.NoCross,
            Min = (uint)constraints.Min,
            Max = (uint)constraints.Max
        };
        var placement = new Placement<uint>((uint)_model.RoundUp(size), exact, (uint)Quantum);
        var request = new Request<uint>(placement, policy, placement.IsUnconstrained ? RequestKind.Range : RequestKind.Segment);
        TimeSpan timeout = _random.Below(3) == 0 ? s_second * (1 + _random.Below(20)) : Timeout.InfiniteTimeSpan;
        CancellationTokenSource cancel = new();
        bool atOnce = _queue.Count == 0 && _model.FindPlace(size, constraints, policy).Kind == OutcomeKind.Done;
        if (!atOnce && !CouldFit(size, constraints))
        {
            Impossible++;
            Assert.Throws<ArgumentException>(() => Accessor<uint>.Room(_arena).Wait(request, tried: false, timeout, cancel.Token));
            return;
        }

        Waiter<uint> waiter = Accessor<uint>.Room(_arena).Wait(request, tried: false, timeout, cancel.Token);
        _queue.Add(new Entry(waiter, size, constraints, policy, timeout < TimeSpan.Zero ? null : _time.GetUtcNow() + timeout, cancel));
        _waits += atOnce ? 0 : 1;
        Assert.Equal(atOnce, waiter.Task.IsCompleted);
    }

    private void TryAllocate()
    {
        int size = 1 + _random.Below(40);
        bool fits = _model.FindPlace(size, default, _model.Policy).Kind == OutcomeKind.Done;
        if (_random.Below(2) == 0)
        {
            Assert.Equal(fits, _arena.TryAllocateHandle((uint)size, out RangeHandle<uint> handle));
            if (fits)
            {
                Occupy(handle.Start, size, default, _model.Policy);
                _handles.Add((handle.Start, handle));
            }
        }
        else
        {
            Assert.Equal(fits, _arena.TryAllocate((uint)size, out uint start));
            if (fits)
            {
                Occupy(start, size, default, _model.Policy);
            }
        }

        _failures += fits ? 0 : 1;
    }

    private void Free()
    {
        if (_model.LiveCount > 0)
        {
            FreeAt(_model.LiveAt(_random.Below(_model.LiveCount)).Start);
        }
    }

    private void FreeAt(int start)
    {
        int size = _model.Release(start).Size;
        int handle = _handles.FindIndex(entry => entry.Start == start);
        if (handle < 0)
        {
            _arena.Free((uint)start, (uint)size);
            return;
        }

        RangeHandle<uint> held = _handles[handle].Handle;
        _handles.RemoveAt(handle);
        _arena.Free(held);
    }

    private void FreeMany()
    {
        if (_model.LiveCount > 0)
        {
            int size = _model.LiveAt(_random.Below(_model.LiveCount)).Size;
            int[] starts = [.. Enumerable.Range(0, _model.LiveCount).Select(_model.LiveAt)
                .Where(live => live.Size == size && !_handles.Exists(entry => entry.Start == live.Start)).Select(live => live.Start)];
            Array.ForEach(starts, start => _model.Release(start));
            _arena.FreeMany([.. starts.Select(start => (uint)start)], (uint)size);
        }
    }

    private void Extend()
    {
        if (_model.LiveCount > 0)
        {
            ModelAllocation live = _model.LiveAt(_random.Below(_model.LiveCount));
            int wanted = 1 + _random.Below(60);
            if (!_handles.Exists(entry => entry.Start == live.Start))
            {
                bool done = _model.Extend(live.Start, live.Size, wanted).Kind == OutcomeKind.Done;
                Assert.Equal(done, _arena.TryExtend((uint)live.Start, (uint)live.Size, (uint)wanted));
            }
        }
    }

    private void AddSpan()
    {
        int start = _random.Below(Top / Quantum) * Quantum;
        int size = Quantum * (1 + _random.Below(160 / Quantum));
        if (_model.AddSpan(start, size).Kind == OutcomeKind.Done)
        {
            _arena.AddSpan((uint)start, (uint)size);
        }
    }

    private void RemoveSpan()
    {
        ModelSegment span = _model.Spans.Count < 2 ? default : _model.Spans[_random.Below(_model.Spans.Count)];
        if (span.Size != 0)
        {
            bool done = _model.RemoveSpan(span.Start, span.Size).Kind == OutcomeKind.Done;
            Assert.Equal(done, _arena.TryRemoveSpan((uint)span.Start, (uint)span.Size));
            foreach (Entry entry in _queue.Where(entry => !CouldFit(entry.Size, entry.Constraints)).ToArray())
            {
                Assert.IsType<ArenaExhaustedException>(entry.Waiter.Task.Exception?.InnerException);
                Leave(entry);
                _failures++;
            }
        }
    }

    private void Cancel()
    {
        if (_queue.Count > 0)
        {
            Entry entry = _queue[_random.Below(_queue.Count)];
            entry.Cancel.Cancel();
            Assert.True(entry.Waiter.Task.IsCanceled);
            Leave(entry);
        }
    }

    /// <summary>Those whose time has come leave in the order of their times, and the queue is served in between: a head that times out may
    /// let the next be granted, though his time would have come in the same second.</summary>
    private void AdvanceTime()
    {
        _time.Advance(s_second);
        foreach (Entry entry in _queue.Where(entry => entry.Until <= _time.GetUtcNow()).ToArray())
        {
            if (entry.Waiter.State == WaitState.TimedOut)
            {
                Assert.True(entry.Waiter.Task.IsCompletedSuccessfully);
                Leave(entry);
                _failures++;
            }
        }
    }

    private void Leave(Entry entry)
    {
        _queue.Remove(entry);
        entry.Cancel.Dispose();
        GaveUp++;
    }

    /// <summary>Whoever has been granted was the head when there was a place for him; and the head that is left cannot be met.</summary>
    private void Check()
    {
        while (_queue.Count > 0 && _queue[0] is { Waiter.State: WaitState.Granted } head)
        {
            Assert.True(head.Waiter.Task.IsCompletedSuccessfully);
            _queue.RemoveAt(0);
            head.Cancel.Dispose();
            Granted++;
            Occupy(head.Waiter.Task.Result, head.Size, head.Constraints, head.Policy);
        }

        Assert.All(_queue, entry => Assert.False(entry.Waiter.Task.IsCompleted));
        Assert.All(_queue, entry => Assert.False(entry.Until <= _time.GetUtcNow()));
        if (_queue.Count > 0)
        {
            Assert.Equal(OutcomeKind.Refused, _model.FindPlace(_queue[0].Size, _queue[0].Constraints, _queue[0].Policy).Kind);
        }

        _arena.Validate();
        ArenaStatistics<uint> statistics = _arena.GetStatistics();
        ModelStatistics amounts = _model.MeasureAmounts();
        Assert.Equal((amounts.InUse, amounts.Free), (statistics.InUse, statistics.Free + statistics.Cached));
        Assert.Equal(_hasCaches ? statistics.LargestFree : amounts.LargestFree, statistics.LargestFree);
        Assert.True(statistics.LargestFree <= amounts.LargestFree);
        Assert.Equal((_allocations, _failures, _waits), (statistics.Allocations, statistics.Failures, statistics.Waits));
        Assert.Equal(_queue.Count(entry => entry.Until is not null) + _upkeepTimers, _time.Timers);
    }

    private void Occupy(uint start, int size, in ModelConstraints constraints, FitPolicy policy)
    {
        Assert.True(_model.IsValidPlace((int)start, size, constraints), $"{size} at {start} is no free place.");
        _model.Occupy((int)start, size, policy, constraints: constraints);
        _allocations++;
    }

    private bool CouldFit(int size, in ModelConstraints constraints)
    {
        ArenaModel empty = new(Top, Quantum, FitPolicy.FirstFit, uint.MaxValue);
        foreach (ModelSegment span in _model.Spans)
        {
            empty.AddSpan(span.Start, span.Size);
        }

        return empty.FindPlace(size, constraints, FitPolicy.FirstFit).Kind == OutcomeKind.Done;
    }

    private ModelConstraints Constraints(int size)
    {
        int align = Quantum << _random.Below(5);
        int min = _random.Below(3) == 0 ? _random.Below(Top) : 0;
        int noCross = _random.Below(4) == 0 ? 256 : 0;
        ModelConstraints drawn = new(
            align,
            _random.Below(align / Quantum) * Quantum,
            noCross,
            min,
            _random.Below(3) == 0 ? min + size + _random.Below(Top / 2) : 0);
        return _random.Below(2) == 0 || !drawn.AreWellFormed(_model.RoundUp(size), Quantum) ? default : drawn;
    }

    private sealed record Entry(
        Waiter<uint> Waiter,
        int Size,
        ModelConstraints Constraints,
        FitPolicy Policy,
        DateTimeOffset? Until,
        CancellationTokenSource Cancel);
}
