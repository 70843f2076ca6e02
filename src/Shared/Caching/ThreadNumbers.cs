using Vmem.Checks;

namespace Vmem.Caching;

/// <summary>Small numbers for the threads that use caches: each cache has an array from the number of a thread to what it holds.</summary>
/// <remarks>
/// <para>
/// A number is that of one living thread at a time. When its thread has ended, the next new thread gets it, and with it whatever the ended
/// one left in any cache: nothing has to be cleared away for nothing to be lost. What no thread inherits is given to the depot by the cache
/// itself, when it has nothing else to give, at each upkeep, and at each reap.
/// </para>
/// <para>
/// The runtime says that a thread has ended only by finalisers. These run at some later collection, on a thread of their own, and
/// in no order that can be relied on. So the table looks at two threads, in turn, whenever a thread comes for the first time. Threads that
/// come and go are found as fast as they come, and the numbers in use stay within twice the most that lived at once.
/// </para>
/// <para>
/// Rejected: magazines by processor, as the paper has them. A program may lose its processor at any instruction, so each pair needs a lock:
/// a pair of operations then takes three to five times as long (study processors; numbers in docs/design.md). What speaks for them is that
/// they hold less when there are many more threads than processors.
/// </para>
/// <para>
/// Rejected: the table the other way round, for each thread an array from the number of a cache. It costs another load, must be cleared
/// when a cache ends, and holds on to caches that are no longer used. Rejected too: <see cref="ThreadLocal{T}"/>, whose access is several
/// calls and which cleans up by finalisers.
/// </para>
/// </remarks>
internal static class ThreadNumbers
{
    private static readonly Gate s_gate = new();
    private static readonly List<Thread?> s_threads = [null];      // by number; null: free, and 0 is none
    private static readonly Stack<int> s_free = new();
    private static int s_hand;

    /// <summary>A number for a thread that has none.</summary>
    public static int Take(Thread thread)
    {
        using (s_gate.EnterScope())
        {
            LookAtNext();
            LookAtNext();
            if (s_free.TryPop(out int number))
            {
                s_threads[number] = thread;
                return number;
            }

            s_threads.Add(thread);
            return s_threads.Count - 1;
        }
    }

    /// <summary>Whether the thread with this number has ended. A new one may have it the next moment.</summary>
    public static bool HasEnded(int number)
    {
        using (s_gate.EnterScope())
        {
            return s_threads[number] is not { IsAlive: true };
        }
    }

    private static void LookAtNext()
    {
        s_hand = s_hand + 1 < s_threads.Count ? s_hand + 1 : 1;
        if (s_hand < s_threads.Count && s_threads[s_hand] is { IsAlive: false })
        {
            s_threads[s_hand] = null;
            s_free.Push(s_hand);
        }
    }
}
