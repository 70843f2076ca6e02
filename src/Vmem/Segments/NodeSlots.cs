using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vmem.Segments;

/// <summary>Moving the slots of a tree node over by one.</summary>
/// <remarks>
/// All slots are read and written, those that stay where they are, too. So there is no loop whose end depends on the place, which nobody
/// could foretell: that made best fit take a fifth less time. The slot before the first is read, and written as it was: in a node something
/// lies before all slots. Rejected: Span.CopyTo, which leaves managed code where source and target overlap.
/// </remarks>
internal static unsafe class NodeSlots
{
    /// <summary>Moves the slots from <paramref name="slot"/> on up by one; what was in the last one is lost.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Open<TSlot>(TSlot* slots, int slot, int count)
        where TSlot : unmanaged, IBinaryInteger<TSlot>, IUnsignedNumber<TSlot>, IMinMaxValue<TSlot>
    {
        if (Vector512.IsHardwareAccelerated && Vector512<TSlot>.IsSupported && Vector512<TSlot>.Count <= NodeScan.Width)
        {
            Vector512<TSlot> bound = Vector512.Create(TSlot.CreateTruncating(slot));
            for (int i = NodeScan.Width - Vector512<TSlot>.Count; i >= 0; i -= Vector512<TSlot>.Count)
            {
                Vector512<TSlot> numbers = Vector512<TSlot>.Indices + Vector512.Create(TSlot.CreateTruncating(i));
                Vector512<TSlot> isAbove = Vector512.GreaterThan(numbers, bound);
                Vector512<TSlot> moved = Vector512.ConditionalSelect(isAbove, Vector512.Load(slots + i - 1), Vector512.Load(slots + i));
                Vector512.Store(moved, slots + i);
            }

            return;
        }

        if (Vector256.IsHardwareAccelerated && Vector256<TSlot>.IsSupported)
        {
            Vector256<TSlot> bound = Vector256.Create(TSlot.CreateTruncating(slot));
            for (int i = NodeScan.Width - Vector256<TSlot>.Count; i >= 0; i -= Vector256<TSlot>.Count)
            {
                Vector256<TSlot> numbers = Vector256<TSlot>.Indices + Vector256.Create(TSlot.CreateTruncating(i));
                Vector256<TSlot> isAbove = Vector256.GreaterThan(numbers, bound);
                Vector256<TSlot> moved = Vector256.ConditionalSelect(isAbove, Vector256.Load(slots + i - 1), Vector256.Load(slots + i));
                Vector256.Store(moved, slots + i);
            }

            return;
        }

        for (int i = count; i > slot; i--)
        {
            slots[i] = slots[i - 1];
        }
    }

    /// <summary>Moves the slots behind <paramref name="slot"/> down by one, over it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Close<TSlot>(TSlot* slots, int slot, int count)
        where TSlot : unmanaged, IBinaryInteger<TSlot>, IUnsignedNumber<TSlot>, IMinMaxValue<TSlot>
    {
        if (Vector512.IsHardwareAccelerated && Vector512<TSlot>.IsSupported && Vector512<TSlot>.Count <= NodeScan.Width)
        {
            Vector512<TSlot> bound = Vector512.Create(TSlot.CreateTruncating(slot));
            for (int i = 0; i < NodeScan.Width; i += Vector512<TSlot>.Count)
            {
                Vector512<TSlot> numbers = Vector512<TSlot>.Indices + Vector512.Create(TSlot.CreateTruncating(i));
                Vector512<TSlot> isAbove = Vector512.GreaterThan(numbers, bound);
                Vector512<TSlot> moved = Vector512.ConditionalSelect(isAbove, Vector512.Load(slots + i), Vector512.Load(slots + i - 1));
                Vector512.Store(moved, slots + i - 1);
            }

            return;
        }

        if (Vector256.IsHardwareAccelerated && Vector256<TSlot>.IsSupported)
        {
            Vector256<TSlot> bound = Vector256.Create(TSlot.CreateTruncating(slot));
            for (int i = 0; i < NodeScan.Width; i += Vector256<TSlot>.Count)
            {
                Vector256<TSlot> numbers = Vector256<TSlot>.Indices + Vector256.Create(TSlot.CreateTruncating(i));
                Vector256<TSlot> isAbove = Vector256.GreaterThan(numbers, bound);
                Vector256<TSlot> moved = Vector256.ConditionalSelect(isAbove, Vector256.Load(slots + i), Vector256.Load(slots + i - 1));
                Vector256.Store(moved, slots + i - 1);
            }

            return;
        }

        for (int i = slot; i + 1 < count; i++)
        {
            slots[i] = slots[i + 1];
        }
    }
}
