using Vmem.Checks;

namespace Vmem.Listing;

/// <summary>Which allocations are written as events while a session asks for samples.</summary>
/// <remarks>One in <see cref="Every"/> of those that come by, counted for each thread: the event has the stack of the thread, as the
/// session takes it. Of the sizes that quantum caches keep, only those come by that the thread's magazine could not give.</remarks>
internal static class AllocationSamples
{
    /// <summary>Arbitrary: at ten million allocations a second, some hundred thousand events. A session that wants fewer drops
    /// some.</summary>
    private const int Every = 100;

    private static readonly Gate s_lock = new();
    private static bool s_isOn;

    [ThreadStatic]
    private static int t_left;

    /// <summary>Whether allocations are sampled at this time.</summary>
    public static bool IsOn => Volatile.Read(ref s_isOn);

    /// <summary>Whether this allocation is one.</summary>
    public static bool IsDue()
    {
        if (--t_left > 0)
        {
            return false;
        }

        t_left = Every;
        return true;
    }

    /// <summary>Has all arenas do what the sessions ask for now. An arena that is made later looks by itself.</summary>
    public static void Follow()
    {
        using (s_lock.EnterScope())
        {
            bool isOn = VmemEvents.Log.Wants(VmemEvents.Keywords.Allocations);
            if (isOn != s_isOn)
            {
                Volatile.Write(ref s_isOn, isOn);
                foreach (ArenaView view in ArenaList.Views)
                {
                    view.SetSampled(isOn);
                }
            }
        }
    }
}
