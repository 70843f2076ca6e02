namespace Vmem.Tool.Replay;

/// <summary>
/// Runs allocators on made-up work, and throws them away. .NET compiles a method when it is first called, quickly and badly, and again,
/// well, once it has been called often and a moment has passed: a recording of some thousand events would be over by then, and its times
/// be those of the compiler. (For the shipped recording of the C++ compiler, 6,260 events, best fit's median was 576 ns without this, and
/// the 99.9th percentile 8 ms.) Rejected: to compile everything well at once. It does without what the first run would teach the compiler,
/// and halves the speed of reading.
/// </summary>
internal static class WarmUp
{
    private const int BatchLength = 4096;
    private const int Slots = 1024;

    // 400,000 events an allocator, some tenths of a second for five. The runtime waits 100 ms before it looks at what is called often,
    // does so in two steps, and compiles beside us; counted in work and not in time, so that a busy machine warms up longer.
    public const int UsualRounds = 100;

    public static void Run(IEnumerable<IReplayTarget> targets, int rounds, CancellationToken cancellationToken)
    {
        List<ReplayLane> lanes = [.. targets.Select(target => new ReplayLane(target))];
        var live = new ulong[Slots];
        var batch = new ReplayEvent[BatchLength];
        uint random = 1;
        for (int round = 0; round < rounds; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (ref ReplayEvent next in batch.AsSpan())
            {
                random = (random * 1664525) + 1013904223;
                int slot = (int)(random >> 22);
                ulong size = live[slot];
                live[slot] = size == 0 ? 16 + ((random >> 8) & 0xfff) : 0;
                next = size == 0 ? ReplayEvent.Allocation(slot, live[slot]) : ReplayEvent.Free(slot, size);
            }

            lanes.ForEach(lane => lane.Run(batch, Slots));
        }

        lanes.ForEach(lane => lane.Dispose());
    }
}
