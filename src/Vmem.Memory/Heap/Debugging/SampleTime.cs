using System.Diagnostics;
using Vmem.Checks;

namespace Vmem.Memory.Heap.Debugging;

/// <summary>How much time samples may take: a small part of one thread's, whatever they cost on this machine.</summary>
/// <remarks>A sample at each due time would take as long as a thousand blocks without one, or longer: a stack takes .NET some microseconds,
/// a guard page two calls of the system. So what a sample took is multiplied, and none follows until that has passed. A program that
/// allocates a million blocks a second hardly notices; one in a loop of allocations keeps its speed. Rejected: a fixed number of
/// samples a second. What they cost depends on the depth of stacks and on the machine.</remarks>
internal sealed class SampleTime(bool isLimited)
{
    private const int Share = 64;                 // 1.6 %: arbitrary

    private long _restUntil = long.MinValue;

    /// <summary>Begins to measure. False if there was too much lately.</summary>
    public bool TryBegin(out long begin)
    {
        begin = Stopwatch.GetTimestamp();
        return !isLimited || begin >= Interlocked.Read(ref _restUntil);
    }

    /// <summary>Notes what was done since a time.</summary>
    public void End(long begin)
    {
        long now = Stopwatch.GetTimestamp();
        long rest = Share * (now - begin);
        Invariant.Assert(rest >= 0, "time goes on");
        long before;
        do
        {
            before = Interlocked.Read(ref _restUntil);
        }
        while (Interlocked.CompareExchange(ref _restUntil, Math.Max(before, now) + rest, before) != before);
    }
}
