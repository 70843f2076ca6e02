using Vmem.Tool.Blocks;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Replay;

/// <summary>
/// Replays a recording through one allocator of real memory, in a process that does nothing else, and measures how large that becomes:
/// other allocators beside it, the tables of a replay and a picture of it would be in the figure.
/// </summary>
/// <remarks>
/// The recording is read first, 16 bytes an event, and the array of live blocks is written to: after that nothing grows but the allocator.
/// The process is measured <see cref="Samples"/> times at equal distances, and where the recording has most bytes live; a peak of the
/// allocator's own between two of these is missed. Time is the
/// process's own, the measurements' taken out: what other processes take is not in it.
/// </remarks>
internal sealed unsafe class ResidentProbe
{
    // A measurement walks the page tables, a fraction of a millisecond for 100 MB; arbitrary.
    private const int Samples = 1_000;
    private const int ChunkLength = 1 << 16;

    private readonly List<ReplayEvent[]> _chunks = [];
    private readonly nint[] _blocks;
    private readonly long _events;
    private readonly long _fullest;

    /// <exception cref="MalformedTraceException">The recording is not well formed.</exception>
    public ResidentProbe(TraceInput input)
    {
        using var reader = new TraceReader(input);
        var source = new EventSource(reader);
        ulong live = 0;
        ulong most = 0;
        int count;
        do
        {
            var chunk = new ReplayEvent[ChunkLength];
            count = source.Fill(chunk);
            foreach (ReplayEvent next in chunk.AsSpan(0, count))
            {
                live = next.IsAllocation ? live + next.Requested : live - next.Requested;
                _events++;
                if (live > most)
                {
                    most = live;
                    _fullest = _events;
                }
            }

            _chunks.Add(chunk);
        }
        while (count == ChunkLength);
        _blocks = new nint[source.SlotCount];
    }

    /// <param name="rehearsed">The allocator, or one of the same kind that leaves nothing to it.</param>
    /// <param name="allocator">The one to measure.</param>
    public ResidentFigures Run(BlockAllocator rehearsed, BlockAllocator allocator)
    {
        Rehearse(rehearsed);
        using var memory = new ResidentMemory();
        // Its pages are the replay's, not the allocator's.
        Array.Fill(_blocks, 1);
        Array.Clear(_blocks);
        // Each distance is rounded down, so that there may be up to twice as many; and one more where most is live.
        var samples = new ResidentSample[(2 * Samples) + 1];
        int taken = 0;
        Array.Fill(samples, new ResidentSample(1, 1));
        Collect();
        _ = memory.Measure();
        ulong before = memory.Measure();
        ulong peak = before;
        var time = TimeSpan.Zero;
        long done = 0;
        long step = Math.Max(1, _events / Samples);
        long next = Math.Min(step, _fullest);
        while (done < _events)
        {
            TimeSpan start = Environment.CpuUsage.TotalTime;
            Replay(allocator, done, next);
            time += Environment.CpuUsage.TotalTime - start;
            done = next;
            next = Math.Min(_events, (done / step * step) + step);
            next = done < _fullest && _fullest < next ? _fullest : next;
            ulong now = memory.Measure();
            peak = Math.Max(peak, now);
            samples[taken++] = new ResidentSample(done, now - Math.Min(now, before));
        }

        return new ResidentFigures(peak - before, time.TotalNanoseconds / Math.Max(1, _events)) { Samples = samples[..taken] };
    }

    /// <summary>Collects, and lets what a collection sets going come to its end: the finaliser's thread and the pool's would take memory
    /// meanwhile.</summary>
    private static void Collect()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        using ManualResetEventSlim done = new();
        _ = ThreadPool.UnsafeQueueUserWorkItem(static done => done.Set(), done, preferLocal: false);
        done.Wait();
    }

    /// <summary>Runs what the measurement will run, so that it is compiled by then: of a heap all of its code. Of a malloc, which would
    /// keep what it got, only some small blocks.</summary>
    private void Rehearse(BlockAllocator allocator)
    {
        (int blocks, int rounds, uint largest) = AllocatorNames.IsMalloc(allocator.Kind) ? (100, 2, 512u) : (400, 50, 200_000u);
        var live = new nint[blocks];
        uint random = 1;
        for (int i = 0; i < blocks * rounds; i++)
        {
            ref nint slot = ref live[i % blocks];
            allocator.Free((void*)slot);
            random = (random * 1664525) + 1013904223;
            uint size = 16 + (uint)(((ulong)random * ((random >> 16 & 15) == 0 ? largest : 512)) >> 32);
            slot = allocator.TryAllocate(size, out void* block) ? (nint)block : 0;
            BlockAllocator.Touch(block, slot == 0 ? 0 : size);
        }

        Array.ForEach(live, block => allocator.Free((void*)block));
        allocator.Trim();
        Replay(allocator, 0, 0);
        using var memory = new ResidentMemory();
        _ = memory.Measure();
    }

    private void Replay(BlockAllocator allocator, long from, long until)
    {
        for (long i = from; i < until; i++)
        {
            ReplayEvent next = _chunks[(int)(i / ChunkLength)][i % ChunkLength];
            if (!next.IsAllocation)
            {
                allocator.Free((void*)_blocks[next.Slot]);
                continue;
            }

            bool fits = allocator.TryAllocate((nuint)next.Requested, out void* block);
            _blocks[next.Slot] = fits ? (nint)block : 0;
            if (fits)
            {
                BlockAllocator.Touch(block, next.Requested);
            }
        }
    }
}
