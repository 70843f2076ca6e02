using System.Runtime.CompilerServices;
using Vmem.Caching;

namespace Vmem.Memory.Pools;

/// <summary>What one thread keeps of a pool: its counts, and the owners that it has disposed of lately, which rest.</summary>
/// <remarks>
/// <para>
/// An object cache is a stack: what was returned last is rented next. For owners that is the worst order, as the next renter gets the very
/// object to which the last one may still have a reference. So an owner goes through a ring first, and comes out when its thread has
/// disposed of <see cref="Rest"/> more. A second disposal by mistake mostly follows soon after the first: of a <c>using</c> and a
/// <c>finally</c>, or of two layers that both feel responsible.
/// </para>
/// <para>Only the thread writes, without a lock; a number that is free again passes with all of this to a new thread, by the lock of
/// <see cref="ThreadNumbers"/>. Others read the counts.</para>
/// </remarks>
internal sealed class PoolThread : PaddedBefore
{
    /// <summary>How many more a thread disposes of before an owner is used again. Arbitrary: some of what a request rents.</summary>
    public const int Rest = 32;

    private readonly Slot[] _resting = new Slot[Rest];
    private int _next;
    private long _rents;
    private long _returns;
    private long _units;

    public long Rents => Volatile.Read(ref _rents);

    public long Returns => Volatile.Read(ref _returns);

    /// <summary>Blocks that were rented, in a pool that counts them.</summary>
    public long Units => Volatile.Read(ref _units);

    public void CountRent(nuint units)
    {
        Volatile.Write(ref _units, _units + (long)units);
        CountRent();
    }

    public void CountRent() => Volatile.Write(ref _rents, _rents + 1);

    public void CountReturn() => Volatile.Write(ref _returns, _returns + 1);

    /// <summary>Lays an owner to rest and takes out the one that has rested longest; null if none has rested long enough.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public object? Exchange(object owner)
    {
        ref Slot slot = ref _resting[_next];
        _next = (_next + 1) % Rest;
        object? rested = slot.Item;
        slot = new Slot(owner);
        return rested;
    }
}
