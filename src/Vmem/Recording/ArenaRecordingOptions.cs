using System.Diagnostics;
using System.Numerics;

namespace Vmem;

/// <summary>How an arena is recorded.</summary>
[DebuggerDisplay("{Capacity} events, waits for {MaxWait}")]
public sealed record ArenaRecordingOptions
{
    private const int LeastCapacity = 16;
    private const int MostCapacity = 1 << 24;

    /// <summary>The name of a tag (<see cref="RecordingTag"/>), or null if it has none. Called once for each tag, up to 65,536 of them, on
    /// the recording's own thread. Null: tags stay numbers.</summary>
    public Func<ulong, string?>? TagName { get; init; }

    /// <summary>How many operations may be on their way to the stream: the memory of a recording, 32 bytes each (48 for
    /// <see cref="UInt128"/>). A power of two from 16 to 2^24; 65,536 unless set.</summary>
    public int Capacity { get; init; } = 1 << 16;

    /// <summary>
    /// How long an operation waits when the stream is so slow that <see cref="Capacity"/> operations are on their way. 10 ms unless set.
    /// After that, operations are left out of the recording and counted (<see cref="ArenaRecording.Lost"/>) until the stream has caught up;
    /// they do not wait again. Zero: never wait. <see cref="Timeout.InfiniteTimeSpan"/>: leave nothing out.
    /// </summary>
    /// <remarks>An operation may wait while it holds the arena's lock, so that other threads wait, too. Infinite is wrong for a stream that
    /// itself uses the arena, or waits for its users: each would wait for the other for ever.</remarks>
    public TimeSpan MaxWait { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Whether the stream stays open when the recording ends. False unless set: it is disposed.</summary>
    public bool LeaveOpen { get; init; }

    internal void Check(string parameter)
    {
        if (Capacity is < LeastCapacity or > MostCapacity || !BitOperations.IsPow2(Capacity))
        {
            throw new ArgumentException(
                $"{nameof(Capacity)} must be a power of two from {LeastCapacity} to {MostCapacity}, and {Capacity} is not.", parameter);
        }

        if (MaxWait != Timeout.InfiniteTimeSpan && (MaxWait < TimeSpan.Zero || MaxWait.TotalMilliseconds > int.MaxValue))
        {
            throw new ArgumentException(
                $"{nameof(MaxWait)} must be infinite or between 0 and {int.MaxValue} ms, and {MaxWait} is not.", parameter);
        }
    }
}
