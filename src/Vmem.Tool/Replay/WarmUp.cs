namespace Vmem.Tool.Replay;

/// <summary>
/// Runs allocators on made-up work, and throws them away: .NET compiles a method when it is first called, and the first events of a
/// recording would be timed with that in them. The tool is built to compile well at once (TieredCompilationQuickJit is off): compiling
/// twice, the second time by what the first taught, reads and replays a recording of seven million events a fifth faster, but one of half a
/// million at less than half the speed.
/// </summary>
internal static class WarmUp
{
    private const int BatchLength = 4096;
    private const int Slots = 1024;

    // 16,000 events an allocator: enough to come by every path that a replay takes.
    public const int UsualRounds = 4;

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

            lanes.ForEach(lane => lane.Run(batch, Slots, cancellationToken));
        }

        lanes.ForEach(lane => lane.Dispose());
    }
}
