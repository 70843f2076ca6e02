using System.Numerics;
using Vmem.Leasing.Sessions;
using Vmem.Ranges;

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

    /// <summary>The lowest place of a request in it.</summary>
    public bool TryPlace(in Placement<T> wanted, out T place) => wanted.TryLowest(Start, Start + (Size - T.One), out place);
}
