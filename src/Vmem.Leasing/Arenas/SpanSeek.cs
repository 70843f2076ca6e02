using System.Numerics;
using Vmem.Ranges;

namespace Vmem.Leasing.Arenas;

/// <summary>Somebody wants the lowest free place in a window, and waits for what the store says.</summary>
internal sealed class SpanSeek<T>(T size, T first, T last, T quantum)
    : TaskCompletionSource<T?>(TaskCreationOptions.RunContinuationsAsynchronously)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    public T Size => size;

    public T First => first;

    /// <summary>What was leased for it, if that has come; under the lock of the stock.</summary>
    public LeasedSpan<T>? Leased { get; set; }

    /// <summary>How often the store failed while it waited; only the filler counts.</summary>
    public int Faults { get; set; }

    /// <summary>Whether the window is as long as the place.</summary>
    public bool IsPossible => last >= first && last - first >= size - T.One;

    /// <summary>The first place of the window that is in the arena, if the window has any.</summary>
    public Placement<T> Wanted { get; } = new(size, new RangeConstraints<T> { Min = first, Max = last + T.One }, quantum);
}
