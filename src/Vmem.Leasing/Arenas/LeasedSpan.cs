using System.Numerics;
using Vmem.Leasing.Sessions;

namespace Vmem.Leasing.Arenas;

/// <summary>A span that the process leases: one lease, one import of its arena.</summary>
internal sealed class LeasedSpan<T>(T start, T size, Holding holding)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private bool _isUnclean;
    private bool _isLost;

    public T Start { get; } = start;

    public T Size { get; } = size;

    public Holding Holding { get; } = holding;

    public long Fence => Holding.Claim.Fence;

    /// <summary>Something in it was freed of which others may still make use: it goes back through quarantine.</summary>
    public bool IsUnclean
    {
        get => Volatile.Read(ref _isUnclean);
        set => Volatile.Write(ref _isUnclean, value);
    }

    /// <summary>The lease is gone.</summary>
    public bool IsLost
    {
        get => Volatile.Read(ref _isLost);
        set => Volatile.Write(ref _isLost, value);
    }

    public bool Contains(T value) => value - Start < Size;

    /// <summary>Whether the whole span can be an import of at least that size under these constraints.</summary>
    public bool Serves(T size, in RangeConstraints<T> constraints)
    {
        T last = Start + (Size - T.One);
        return Size >= size
            && Start >= constraints.Min
            && (T.IsZero(constraints.Max) || last < constraints.Max)
            && (T.IsZero(constraints.Align) || (Start >= constraints.Phase && T.IsZero((Start - constraints.Phase) % constraints.Align)))
            && (T.IsZero(constraints.NoCross) || Start / constraints.NoCross == last / constraints.NoCross);
    }
}
