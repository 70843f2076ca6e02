using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Space;

/// <summary>What an arena has done, counted where it is done. Under the lock, but for <see cref="NoteFailure"/>.</summary>
/// <remarks>
/// Two values are kept less 1 and plus 1, because every value of the type can be in use at once, and that sum does not fit. Frees are not
/// counted: they are the allocations less what is live.
/// </remarks>
internal struct Tally<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private T _idlePlus1;
    private T _peakLess1;
    private long _failures;

    public Tally() => _idlePlus1 = T.One;

    /// <summary>Allocations that were met under the lock.</summary>
    public long Allocations { get; private set; }

    /// <summary>What slabs hold and nobody does, in units.</summary>
    public T Idle
    {
        readonly get => _idlePlus1 - T.One;
        set => _idlePlus1 = value + T.One;
    }

    /// <summary>Requests that nothing could meet.</summary>
    public readonly long Failures => Volatile.Read(in _failures);

    /// <summary>The most that was in use. A segment that is a slab counts with what of it is out.</summary>
    public readonly T Peak => Allocations == 0 ? T.Zero : _peakLess1 == T.MaxValue ? T.MaxValue : _peakLess1 + T.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void NoteAllocation(T inUse)
    {
        Allocations++;
        NotePeak(inUse);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void NotePeak(T inUse)
    {
        T inUseLess1 = inUse - _idlePlus1;
        if (inUseLess1 > _peakLess1)
        {
            _peakLess1 = inUseLess1;
        }
    }

    /// <summary>Allocations were undone that nobody has learned of.</summary>
    public void Undo(in Tally<T> before) => (Allocations, _peakLess1) = (before.Allocations, before._peakLess1);

    /// <summary>A request has failed, or (−1) it waits now and has not failed yet. Needs no lock: a request fails after it has left
    /// it.</summary>
    public void NoteFailure(int by) => Interlocked.Add(ref _failures, by);
}
