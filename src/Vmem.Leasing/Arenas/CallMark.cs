using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Leasing.Arenas;

/// <summary>Says that a thread is in a call of a leased arena: it has looked at a range or at a fence, and not yet at the other.</summary>
/// <remarks>
/// Each thread has one, for all arenas of the process, and counts it with plain writes. Whoever must know passes a barrier on every
/// processor first: the cost falls on those who are rare. A thread that is gone is in no call, so what is kept of it is weak.
/// </remarks>
internal sealed class CallMark
{
    /// <summary>In milliseconds. A call takes a microsecond, unless its thread has lost the processor or waits for a disk.
    /// Arbitrary.</summary>
    private const int LookEvery = 1;

    /// <summary>Below that nobody looks for threads that are gone. Arbitrary.</summary>
    private const int FewestToLook = 64;

    private static readonly Gate s_lock = new();
    private static readonly List<WeakReference<CallMark>> s_all = [];
    private static int s_enoughToLook = FewestToLook;         // twice what the last look has left

    [ThreadStatic]
    private static CallMark? t_mine;

    private long _turns;                          // odd: in a call
    private int _depth;                           // a callback may call again

    /// <summary>A call of this thread begins. It ends by <see cref="End"/>, whatever happens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CallMark Begin()
    {
        CallMark mine = t_mine ?? Join();
        if (mine._depth++ == 0)
        {
            Volatile.Write(ref mine._turns, mine._turns + 1);
        }

        return mine;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void End()
    {
        if (--_depth == 0)
        {
            Volatile.Write(ref _turns, _turns + 1);
        }
    }

    /// <summary>Waits until every call has ended that was under way. Those that begin later see all that was written before.</summary>
    public static async Task AwaitAllAsync(CancellationToken cancellationToken)
    {
        foreach ((CallMark mark, long turn) in ReadUnderWay())
        {
            while (Volatile.Read(ref mark._turns) == turn)
            {
                await Task.Delay(LookEvery, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static List<(CallMark Mark, long Turn)> ReadUnderWay()
    {
        List<(CallMark Mark, long Turn)> underWay = [];
        using (s_lock.EnterScope())
        {
            Interlocked.MemoryBarrierProcessWide();
            foreach (WeakReference<CallMark> each in s_all)
            {
                if (each.TryGetTarget(out CallMark? mark) && Volatile.Read(ref mark._turns) is var turn && long.IsOddInteger(turn))
                {
                    underWay.Add((mark, turn));
                }
            }
        }

        return underWay;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static CallMark Join()
    {
        CallMark mine = new();
        using (s_lock.EnterScope())
        {
            if (s_all.Count >= s_enoughToLook)
            {
                s_all.RemoveAll(static each => !each.TryGetTarget(out _));
                s_enoughToLook = Math.Max(FewestToLook, 2 * s_all.Count);
            }

            s_all.Add(new WeakReference<CallMark>(mine));
        }

        return t_mine = mine;
    }
}
