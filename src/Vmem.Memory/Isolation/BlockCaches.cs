using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Checks;

namespace Vmem.Memory.Isolation;

/// <summary>A client's freed blocks, a stack for each order, kept so that the next request of the size splits nothing and its free
/// coalesces nothing (libvmma: the cached blocks).</summary>
/// <remarks>
/// <para>
/// A pair of requests at the edge of a large free block would otherwise split it down to a small one and join it up again each time. Stacks
/// are filled and emptied by half, so that a stack at its edge goes to the buddy tree once in half its capacity. Before a client takes a
/// region, it puts all of them back: what they keep from coalescing is never the reason to grow.
/// </para>
/// <para>
/// A stack has 64 slots. Slot 0 holds the position of its top; the blocks' addresses fill the slots up to the last one, and below them lies
/// a 0. So neither a look at the capacity nor a count is needed: a stack is empty if its top is 0, and full if its top is in slot 63. That
/// leaves 62 for blocks. Stacks are numbered as the bytes of the <see cref="BlockMap"/>, order + 1, and hold addresses, not units: from one
/// allocation to the free of its block to the next allocation leads a chain of loads, each of which waits for the one before, and every
/// instruction in it counts. Stack 0 is not used.
/// </para>
/// </remarks>
internal readonly struct BlockCaches
{
    /// <summary>No stacks at all, for a client that has been disposed of: its own are another's by then.</summary>
    public static readonly BlockCaches None = new([]);

    public const int MaxCapacity = Slots - 2;

    private const int SlotShift = 6;
    private const int Slots = 1 << SlotShift;

    private readonly byte[] _capacities;          // shared by the clients of a context
    private readonly nuint[] _slots;

    public BlockCaches(byte[] capacities)
    {
        _capacities = capacities;
        _slots = new nuint[(capacities.Length + 1) << SlotShift];
        for (int order = 0; order < Orders; order++)
        {
            Clear(order);
        }
    }

    public static byte[] CapacitiesFor(in ContextGeometry geometry)
    {
        var capacities = new byte[geometry.MaxOrder + 1];
        for (int order = 0; order < capacities.Length; order++)
        {
            capacities[order] = (byte)geometry.CacheCapacity(order);
        }

        return capacities;
    }

    public static long BytesFor(byte[] capacities) => (capacities.Length + 1) * (long)Slots * IntPtr.Size;

    public int Orders => _capacities.Length;

    public int Capacity(int order) => _capacities[order];

    /// <param name="order">One of the <see cref="Orders"/>: it is not checked.</param>
    /// <param name="block">Where the block starts; 0 if the stack is empty.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPeek(int order, out nuint block)
    {
        ref nuint stack = ref Stack(order);
        block = Unsafe.Add(ref stack, stack);
        return block != 0;
    }

    /// <summary>Takes off what <see cref="TryPeek"/> has shown.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Pop(int order)
    {
        Invariant.Assert(TryPeek(order, out _), "what is taken off a stack is there");
        Stack(order)--;
    }

    /// <summary>False if the stack is full.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPush(int order, nuint block)
    {
        ref nuint stack = ref Stack(order);
        nuint top = stack;
        if (top >= Slots - 1)
        {
            return false;
        }

        Invariant.Assert(block != 0 && (uint)order < (uint)Orders, "a stack holds blocks");
        Unsafe.Add(ref stack, top + 1) = block;
        stack = top + 1;
        return true;
    }

    public ReadOnlySpan<nuint> Blocks(int order) => Live(order);

    /// <summary>The half of the stack that was pushed first, rounded up, which <see cref="DropBottom"/> then takes off it.</summary>
    public ReadOnlySpan<nuint> Bottom(int order) => HalfOf(Live(order));

    public void DropBottom(int order)
    {
        Span<nuint> blocks = Live(order);
        int dropped = HalfOf(blocks).Length;
        blocks[dropped..].CopyTo(blocks);
        Stack(order) -= (nuint)dropped;
    }

    public void Clear(int order)
    {
        int sentinel = Slots - 1 - _capacities[order];
        Stack(order) = (nuint)sentinel;
        Unsafe.Add(ref Stack(order), sentinel) = 0;
    }

    /// <summary>Takes the blocks that start in a range of addresses off the stacks.</summary>
    public void Drop(nuint from, nuint length)
    {
        for (int order = 0; order < Orders; order++)
        {
            Span<nuint> blocks = Live(order);
            int kept = 0;
            foreach (nuint block in blocks)
            {
                if (block - from >= length)
                {
                    blocks[kept++] = block;
                }
            }

            Stack(order) -= (nuint)(blocks.Length - kept);
        }
    }

    private static Span<nuint> HalfOf(Span<nuint> blocks) => blocks[..((blocks.Length + 1) / 2)];

    private Span<nuint> Live(int order)
    {
        int bottom = Slots - _capacities[order];
        return _slots.AsSpan(((order + 1) << SlotShift) + bottom, (int)Stack(order) + 1 - bottom);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref nuint Stack(int order) =>
        ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_slots), (nint)(uint)(order + 1) << SlotShift);
}
