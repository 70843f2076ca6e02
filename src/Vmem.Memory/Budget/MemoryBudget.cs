using System.Diagnostics;
using Vmem.Caching;
using Vmem.Checks;
using Vmem.Memory.Budget;

namespace Vmem.Memory;

/// <summary>What all heaps of the process, and all contexts with memory of their own, may have of the machine together.</summary>
/// <remarks>
/// <para>
/// A system that promises more memory than it has ends the process when too much of it is touched. So the pages that are handed out are
/// counted here, before the system is asked for them, until their memory has gone back. A request that would pass the limit first has
/// every heap of the process give back what it keeps unused: free pages and what lies in magazines. Only if that does not help either is
/// it refused, as if the system had refused it.
/// </para>
/// <para>
/// What else the process uses, the garbage collector above all, is not counted: who needs much of both sets the limit.
/// </para>
/// <para>
/// Rejected: to count what is committed. That goes by units of 2 MiB, for each heap at least one, and takes no memory before it is
/// touched: a hundred thousand small heaps would count for 200 GB. Rejected: to count what was touched. Nobody can say beforehand what will
/// be, and a refusal must come before it.
/// </para>
/// </remarks>
[DebuggerDisplay("{Charged} of {Limit} bytes charged")]
public sealed class MemoryBudget
{
    private readonly Gate _relieving = new();     // held while everybody gives back
    private long _charged;
    private long _limit;
    private int _reliefs;                         // that have begun

    internal MemoryBudget(nuint limit, MemoryPressure? pressure = null)
    {
        _limit = long.CreateSaturating(limit);
        Pressure = pressure ?? MemoryPressure.OfMachine;
    }

    /// <summary>The one of the process.</summary>
    public static MemoryBudget Default { get; } = new(Available());

    /// <summary>The most, in bytes, that may be in use and kept together. By default what the machine or the container has, as the
    /// runtime says (<see cref="GCMemoryInfo.TotalAvailableMemoryBytes"/>; in a container that is three quarters of its limit unless the
    /// runtime is told otherwise). Less than there is now may be set: what is kept unused goes back, and requests that need more are
    /// refused until the rest has been freed: that is O(heaps and contexts, and what they keep). Reading it is O(1).</summary>
    /// <exception cref="ArgumentOutOfRangeException">0.</exception>
    public nuint Limit
    {
        get => (nuint)Interlocked.Read(ref _limit);
        set
        {
            ArgumentOutOfRangeException.ThrowIfZero(value);
            Interlocked.Exchange(ref _limit, long.CreateSaturating(value));
            if (value < Charged)
            {
                Relieve();
            }
        }
    }

    /// <summary>Bytes of pages that may take memory: those in use, touched or not, and those that are kept (<see cref="Dirty"/>).
    /// O(1).</summary>
    public nuint Charged => (nuint)Interlocked.Read(ref _charged);

    /// <summary>Bytes of pages that are free and may still take memory: the next request has them without a page fault, and they go back
    /// after <see cref="NativeHeapOptions.RetainedInterval"/>, or when memory is short: at the limit, when the runtime sees it at a
    /// collection, and when Linux says at the end of an interval that tasks wait for memory or that the container is near its
    /// <c>memory.high</c>. O(heaps and contexts).</summary>
    public nuint Dirty => Keepers.Aggregate((nuint)0, static (sum, keeper) => sum + keeper.Kept);

    /// <summary>Whether there is less memory than all want, not only this process.</summary>
    internal MemoryPressure Pressure { get; }

    private IEnumerable<IMemoryKeeper> Keepers => Upkeep.Awake<IMemoryKeeper>().Where(keeper => keeper.Budget == this);

    /// <summary>Counts pages that are to be handed out and are clean. False if the limit does not allow them.</summary>
    internal bool TryCharge(nuint bytes)
    {
        long seen = Interlocked.Read(ref _charged);
        while (bytes <= long.MaxValue && (long)bytes <= Interlocked.Read(ref _limit) - seen)
        {
            long before = Interlocked.CompareExchange(ref _charged, seen + (long)bytes, seen);
            if (before == seen)
            {
                return true;
            }

            seen = before;
        }

        return false;
    }

    /// <summary>Pages are clean again.</summary>
    internal void Uncharge(nuint bytes)
    {
        long left = Interlocked.Add(ref _charged, -(long)bytes);
        Invariant.Assert(left >= 0, "what goes back was counted");
    }

    /// <summary>Has every heap give back what it keeps unused, and the window what is nobody's. The caller holds no lock. O(live heaps and
    /// what they keep). Of many that ask at once, one does it, and the others have it from that.</summary>
    internal void Relieve()
    {
        int begun = Volatile.Read(ref _reliefs);
        using (_relieving.EnterScope())
        {
            // Else one that began after this call has ended.
            if (Volatile.Read(ref _reliefs) == begun)
            {
                _ = Interlocked.Increment(ref _reliefs);
                foreach (IMemoryKeeper keeper in Keepers)
                {
                    keeper.RelievePressure();
                }
            }
        }
    }

    private static nuint Available() =>
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes is var bytes and > 0 ? nuint.CreateSaturating(bytes) : nuint.MaxValue;
}
