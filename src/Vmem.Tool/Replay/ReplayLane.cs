using System.Diagnostics;

namespace Vmem.Tool.Replay;

/// <summary>
/// One allocator being replayed through: where it put each live object, and everything that is reported of it. Lanes run side by side over
/// the same batches of events, one after another on one thread: two at a time would time each other's cache misses.
/// </summary>
internal sealed class ReplayLane : IDisposable
{
    private const ulong Nowhere = ulong.MaxValue;

    private readonly IReplayTarget _target;
    private readonly SampledClock _clock = new();
    private ulong[] _offsets = [];
    private ulong[] _sizes = [];
    private long _ticks;
    private long _untilSample = 1;
    private ulong _live;
    private ulong _requested;
    private ulong _highestEnd;
    private ulong _sampledPeak;
    private bool _countsBytes;

    public ReplayLane(IReplayTarget target)
    {
        _target = target;
    }

    public IReplayTarget Target => _target;

    public AddressTimeMap Map { get; } = new();

    /// <summary>What is live of which sizes, and what rounding them costs.</summary>
    public SizeLedger Sizes { get; } = new();

    public LatencyHistogram Latency => _clock.Latency;

    public long Events { get; private set; }

    public long Failures { get; private set; }

    /// <summary>The most bytes that the program had asked for at once, as far as it got them.</summary>
    public ulong PeakRequested { get; private set; }

    /// <summary>The most bytes in use at once, rounded up as the allocator rounds.</summary>
    public ulong PeakLive { get; private set; }

    /// <summary>The highest end of any allocation.</summary>
    public ulong HighestEnd => _highestEnd;

    /// <summary>How much address space was needed.</summary>
    public ulong Range => _target.GetRange(_highestEnd);

    /// <summary>What the program costs here: its range, and if that is memory the tables that know it. A port is no byte: for the ranges of
    /// a recorded arena, whatever they are, the two cannot be added.</summary>
    public ulong Cost => Range + (_countsBytes ? (ulong)BookkeepingBytes : 0);

    /// <summary>Bytes lost to rounding, inside what was in use, when the most was.</summary>
    public ulong PeakInternalWaste { get; private set; }

    /// <summary>The same after the last event.</summary>
    public ulong FinalInternalWaste => _live - _requested;

    public double WorstFragmentation { get; private set; }

    /// <summary>At the sample with the most bytes in use.</summary>
    public double PeakFragmentation { get; private set; }

    public double FinalFragmentation { get; private set; }

    public long BookkeepingBytes { get; private set; }

    /// <summary>Time spent in this lane, its own bookkeeping of map and samples included.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(0, _ticks);

    /// <summary>The bytes held to know where the live objects are.</summary>
    public long TableBytes => (long)(_offsets.Length + _sizes.Length) * sizeof(ulong);

    /// <summary>Where a live object is; false for one that found no room.</summary>
    public bool TryGetOffset(int slot, out ulong offset)
    {
        offset = _offsets[slot];
        return offset != Nowhere;
    }

    /// <param name="batch">The next events.</param>
    /// <param name="slotCount">Above every slot in the batch.</param>
    /// <param name="cancellationToken">Stops it between two events: writing to a large block takes a while.</param>
    public void Run(ReadOnlySpan<ReplayEvent> batch, int slotCount, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        if (slotCount > _offsets.Length)
        {
            int known = _offsets.Length;
            Array.Resize(ref _offsets, Math.Max(slotCount, known * 2));
            _offsets.AsSpan(known).Fill(Nowhere);
            Array.Resize(ref _sizes, _target.RoundsAlike ? 0 : _offsets.Length);
        }

        foreach (ref readonly ReplayEvent next in batch)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (next.IsAllocation)
            {
                Allocate(next);
            }
            else
            {
                Free(next);
            }

            if (--_untilSample == 0)
            {
                Sample();
                _untilSample = Map.EventsPerColumn;
            }
        }

        Events += batch.Length;
        _ticks += Stopwatch.GetTimestamp() - start;
    }

    /// <summary>Takes the last figures. Call once, after the last batch.</summary>
    /// <param name="countsBytes">See <see cref="TraceReplay.CountsBytes"/>.</param>
    public void Finish(bool countsBytes)
    {
        _countsBytes = countsBytes;
        FinalFragmentation = Measure().Fragmentation;
    }

    public void Dispose()
    {
        foreach (ulong offset in _offsets)
        {
            if (offset != Nowhere)
            {
                _target.Abandon(offset);
            }
        }

        _offsets = [];
        _sizes = [];
        _target.Dispose();
    }

    private void Allocate(in ReplayEvent next)
    {
        ulong size = _target.RoundUp(next.Requested);
        bool fits;
        ulong offset;
        if (_clock.IsDue())
        {
            long start = Stopwatch.GetTimestamp();
            fits = _target.TryAllocate(next.Requested, size, out offset);
            _clock.Add(start, Stopwatch.GetTimestamp());
        }
        else
        {
            fits = _target.TryAllocate(next.Requested, size, out offset);
        }

        if (!fits)
        {
            Failures++;
            _offsets[next.Slot] = Nowhere;
            return;
        }

        _offsets[next.Slot] = offset;
        if (!_target.RoundsAlike)
        {
            _sizes[next.Slot] = size;
        }

        _live += size;
        _requested += next.Requested;
        Sizes.Add(next.Requested, size);
        if (_requested > PeakRequested)
        {
            PeakRequested = _requested;
            Sizes.MarkPeak();
        }

        if (_live > PeakLive)
        {
            PeakLive = _live;
            PeakInternalWaste = _live - _requested;
        }

        _target.Use(offset, next.Requested, size);
        if (_target.HasMap)
        {
            _highestEnd = Math.Max(_highestEnd, offset + size);
            Map.Occupy(offset, size);
        }
    }

    private void Free(in ReplayEvent next)
    {
        ulong offset = _offsets[next.Slot];
        if (offset == Nowhere)
        {
            return;
        }

        ulong size = _target.RoundsAlike ? _target.RoundUp(next.Requested) : _sizes[next.Slot];
        if (_clock.IsDue())
        {
            long start = Stopwatch.GetTimestamp();
            _target.Free(offset, size);
            _clock.Add(start, Stopwatch.GetTimestamp());
        }
        else
        {
            _target.Free(offset, size);
        }

        _live -= size;
        _requested -= next.Requested;
        Sizes.Remove(next.Requested, size);
        _offsets[next.Slot] = Nowhere;
        _target.Disuse(size);
        if (_target.HasMap)
        {
            Map.Vacate(offset, size);
        }
    }

    private void Sample()
    {
        (TargetFigures figures, double fragmentation) = Measure();
        Map.Sample(figures.InUse, figures.InUse + figures.Holes, _requested);
        if (figures.InUse > _sampledPeak)
        {
            _sampledPeak = figures.InUse;
            PeakFragmentation = fragmentation;
        }
    }

    // Holes among what is in use. Not "1 - largest free / free": in a span without end the largest free segment is always nearly all that
    // is free.
    private (TargetFigures Figures, double Fragmentation) Measure()
    {
        TargetFigures figures = _target.GetFigures();
        double extent = (double)figures.InUse + figures.Holes;
        double fragmentation = extent == 0 ? 0 : figures.Holes / extent;
        WorstFragmentation = Math.Max(WorstFragmentation, fragmentation);
        BookkeepingBytes = Math.Max(BookkeepingBytes, figures.BookkeepingBytes);
        return (figures, fragmentation);
    }
}
