namespace Vmem.Tool.Replay;

/// <summary>
/// Replays several recordings side by side, as if their programs had run at the same time and taken equally long: each gets on in
/// proportion to its own length, and all end together. A recording tells no times that could be compared, only an order of events. For
/// this they are read twice, first to be counted; what they hold is not kept.
/// </summary>
internal static class Interleaving
{
    // Of the longest recording, between two turns of another. Less than most programs have live, and enough that the turns' own cost is
    // lost in it. Arbitrary.
    private const int EventsPerTurn = 256;

    /// <param name="replays">None has begun.</param>
    /// <param name="events">How many events each has, from <see cref="RecordingSize"/>.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static void Run(IReadOnlyList<TraceReplay> replays, IReadOnlyList<long> events, CancellationToken cancellationToken)
    {
        long turns = Math.Max(1, events.Max() / EventsPerTurn);
        var done = new long[replays.Count];
        for (long turn = 1; turn <= turns; turn++)
        {
            for (int index = 0; index < replays.Count; index++)
            {
                long until = (long)((Int128)events[index] * turn / turns);
                _ = replays[index].Advance(until - done[index], cancellationToken);
                done[index] = until;
            }
        }

        foreach (TraceReplay replay in replays)
        {
            replay.Run(cancellationToken);
        }
    }
}
