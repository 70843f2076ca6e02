using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Checks;

namespace Vmem.Memory.Window;

/// <summary>Which small blocks are with users: a byte for each place where one may start, apart from the blocks.</summary>
/// <remarks>
/// <para>
/// <b>Slots.</b> A slab's memory is divided into slots of a power of two that is not longer than its blocks, so that at most one starts in
/// each. A slot's byte is 0, or it says that a live block starts there, and where in the slot: seven bits of its address, in grains of 8
/// bytes. So one comparison tells a live block from one that is free, from an address inside a block, and from memory that was never
/// handed out. A slot has at most 1 KiB, for that is as far as seven bits go.
/// </para>
/// <para>
/// <b>Where a byte is.</b> There is a table of the whole cover for each length of slots. They lie one behind the other, the coarsest
/// first. With W the grains of the cover, the byte of grain g in slots of 2^k grains is number (W + g) / 2^k. So the way to it is an
/// addition and a shift, by a count that lies in the magazine which a free looks at anyway. The tables are address space, and memory only
/// where slabs were: a byte for 16 to 32 bytes of blocks of 16, for 64 to 128 bytes of blocks of 64 to 127, for 1 KiB of long ones.
/// </para>
/// <para>
/// <b>Who writes.</b> The thread that has the block: plain stores, as neighbours are other bytes. Two threads that free one block at
/// the very same moment may both find it live. It then lies in two magazines, and who takes the second copy finds the block live, and
/// drops it. So nobody gets what another has. Rejected: an exchange with a lock prefix, for the caller to be told even then: it takes as
/// long as the whole free (docs/design.md).
/// </para>
/// <para>
/// Rejected: a byte for each block in the slab's record, found by a multiplication. It is as small, but record, start, reciprocal and
/// bounds are loads that depend on each other, in both operations. Rejected: a byte for each 16 bytes of memory, whatever the class: 6 %
/// of all memory, and a cache line for each KiB. Rejected: bits, which need interlocked instructions. Rejected: a look at the blocks that
/// lie on top of the magazine, and a key within the freed block (glibc's tcache): neither finds an address inside a block, nor a double
/// free for long, and the latter touches the block.
/// </para>
/// </remarks>
internal sealed unsafe class BlockStates : IDisposable
{
    /// <summary>What block starts are multiples of, as a power of two.</summary>
    public const int GrainShift = 3;

    /// <summary>The shift of what has no blocks: its byte is one that is always 0.</summary>
    public const byte NoShift = 63;

    private const byte IsLive = 0x80;
    private const int LeastShift = 1;             // slots of 16 bytes
    private const int MostShift = 7;

    private readonly Gate _gate = new();          // held while the table is committed
    private readonly SparseTable _table;
    private readonly nuint _start;

    /// <param name="start">Where the cover starts.</param>
    /// <param name="size">How long it is.</param>
    /// <exception cref="OutOfMemoryException">There is no address space for it.</exception>
    public BlockStates(nuint start, nuint size)
    {
        _start = start;
        Bias = size >> GrainShift;
        _table = new SparseTable(Bias, isReadable: false);
        if (!_table.TryCommit(0, 1))
        {
            _table.Dispose();
            throw new InsufficientMemoryException("The system has no memory for a heap's table.");
        }
    }

    /// <summary>The grains of the cover.</summary>
    public nuint Bias { get; }

    public byte* Table => _table.Start;

    /// <summary>The logarithm of the grains in a slot for blocks of a size.</summary>
    public static byte ShiftFor(int size) => (byte)Math.Clamp(BitOperations.Log2((uint)size) - GrainShift, LeastShift, MostShift);

    /// <summary>The number of an address's grain. One between two grains has a number beyond every cover.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint GrainOf(nuint address, nuint start) => BitOperations.RotateRight(address - start, GrainShift);

    /// <summary>What a slot's byte is while a live block starts at this grain.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte LiveAt(nuint grain) => (byte)(grain | IsLive);

    /// <summary>True if a live block starts at an address in a slab.</summary>
    public bool IsLiveAt(nuint address, int shift)
    {
        nuint grain = GrainOf(address, _start);
        return grain < Bias && *At(grain, shift) == LiveAt(grain);
    }

    /// <summary>A free block is a user's from now on. False, and nothing is changed, if it is somebody's already.</summary>
    public bool TryTake(nuint block, int shift)
    {
        nuint grain = GrainOf(block, _start);
        byte* state = At(grain, shift);
        bool isFree = *state == 0;
        if (isFree)
        {
            *state = LiveAt(grain);
        }

        return isFree;
    }

    /// <summary>A user's block is free from now on. False, and nothing is changed, if no user's block starts there.</summary>
    public bool TryGive(nuint address, int shift)
    {
        bool isLive = IsLiveAt(address, shift);
        if (isLive)
        {
            *At(GrainOf(address, _start), shift) = 0;
        }

        return isLive;
    }

    /// <summary>Where the bytes of a slab begin.</summary>
    public byte* PlaceOf(nuint start, int shift) => At((start - _start) >> GrainShift, shift);

    /// <summary>Makes the bytes of a slab ready, all of its blocks being free. False if there is no memory for them.</summary>
    public bool TryOpen(nuint start, nuint size, int shift)
    {
        Invariant.Assert(shift is >= LeastShift and <= MostShift && start % 1024 == 0 && size % 1024 == 0, "a slab is whole slots");
        byte* first = PlaceOf(start, shift);
        nuint bytes = size >> GrainShift >> shift;
        using (_gate.EnterScope())
        {
            if (!_table.TryCommit((nuint)(first - Table), bytes))
            {
                return false;
            }
        }

        NativeMemory.Clear(first, bytes);         // a heap that ended may have left live blocks behind
        return true;
    }

    /// <summary>Gives the memory for the bytes of commit units back, in which there is no slab. They read as 0: whoever frees wrongly at
    /// this moment may still look.</summary>
    public void Forget(nuint start, nuint size)
    {
        using (_gate.EnterScope())
        {
            for (int shift = LeastShift; shift <= MostShift; shift++)
            {
                _table.Forget((nuint)(PlaceOf(start, shift) - Table), size >> GrainShift >> shift);
            }
        }
    }

    public void Dispose() => _table.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* At(nuint grain, int shift) => Table + ((grain + Bias) >> shift);
}
