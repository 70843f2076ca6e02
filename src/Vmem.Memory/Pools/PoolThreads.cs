using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Checks;

namespace Vmem.Memory.Pools;

/// <summary>What the threads that use a pool keep of it.</summary>
internal sealed class PoolThreads
{
    private readonly Gate _gate = new();
    private ThreadTable<PoolThread> _threads = new();          // changes under the gate
    private long _nobodysReturns;

    /// <summary>The current thread's; null: it comes for the first time.</summary>
    public PoolThread? Known
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _threads.Of(ThreadNumber.Current, none: null);
    }

    /// <summary>The current thread's. A thread that comes for the first time takes the gate once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public PoolThread Mine() => Known ?? Join();

    /// <summary>Counts a return, which needs no memory: a thread that comes for the first time when there is none counts it as nobody's.
    /// </summary>
    /// <returns>The current thread's; null if it has none.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public PoolThread? CountReturn()
    {
        if (Known is not { } mine)
        {
            return CountFirstReturn();
        }

        mine.CountReturn();
        return mine;
    }

    /// <summary>Returns are read first: what begins meanwhile counts as outstanding, and never less than nothing is.</summary>
    public (long Rents, long Returns) Count()
    {
        long rents = 0;
        long returns = Interlocked.Read(ref _nobodysReturns);
        using (_gate.EnterScope())
        {
            foreach (PoolThread? thread in _threads.Entries)
            {
                returns += thread?.Returns ?? 0;
            }

            foreach (PoolThread? thread in _threads.Entries)
            {
                rents += thread?.Rents ?? 0;
            }
        }

        return (rents, returns);
    }

    /// <summary>Blocks that were rented by all of them.</summary>
    public long CountUnits()
    {
        long units = 0;
        using (_gate.EnterScope())
        {
            foreach (PoolThread? thread in _threads.Entries)
            {
                units += thread?.Units ?? 0;
            }
        }

        return units;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private PoolThread? CountFirstReturn()
    {
        PoolThread? mine = null;
        try
        {
            mine = Join();
            mine.CountReturn();
        }
        catch (OutOfMemoryException)
        {
            _ = Interlocked.Increment(ref _nobodysReturns);
        }

        return mine;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private PoolThread Join()
    {
        GrowthFault.ThrowIfDue();
        int number = ThreadNumber.Ensure();
        using (_gate.EnterScope())
        {
            return _threads.Join(number, none: null, static () => new PoolThread());
        }
    }
}
