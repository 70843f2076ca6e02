using Vmem.Diagnostics;
using Vmem.Listing;

namespace Vmem.Waiting;

/// <summary>How many requests of an arena had to wait, and for how long.</summary>
internal sealed class WaitTimes
{
    private long _ticks;

    /// <summary>Requests that had to wait. Changes under the arena's lock.</summary>
    public long Count { get; private set; }

    /// <summary>How long the waits that have ended took.</summary>
    public TimeSpan Total => TimeSpan.FromTicks(Volatile.Read(ref _ticks));

    /// <summary>A wait has begun. The lock is held.</summary>
    public void NoteBegin() => Count++;

    /// <summary>A wait has ended, well or badly. Under no lock.</summary>
    public void NoteEnd(string arena, TimeSpan duration)
    {
        _ = Interlocked.Add(ref _ticks, duration.Ticks);
        try
        {
            ArenaMetrics.RecordWait(arena, duration);
            if (VmemEvents.Log.Wants(VmemEvents.Keywords.Waits))
            {
                VmemEvents.Log.WaitEnded(arena, duration.TotalMilliseconds);
            }
        }
#pragma warning disable CA1031 // A listener that throws must not do so in the free that ended somebody's wait.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }
}
