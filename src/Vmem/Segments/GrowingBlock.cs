using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Checks;
using Vmem.Platform;

namespace Vmem.Segments;

/// <summary>One block of native memory that grows at its end, so that an item's place is the block's start and its number.</summary>
/// <remarks>
/// <para>
/// A small block moves: what is copied then is at most <see cref="MostMoved"/>. A larger one lies at the beginning of a range of address
/// space that is as long as the block may ever be, and grows where it is (see <see cref="TableRange"/>): no growth copies more than that,
/// and reserved address space costs nothing. Where the system gives no range that long, the block moves again and again.
/// </para>
/// <para>
/// Rejected: chunks that double (see <see cref="NativeStore{TItem}"/>). Each tag that an operation looks at then costs a count of leading
/// zeros and a dependent load: a replacement by address took 1.15 to 1.3 times as long. Rejected: a range for each block from the
/// beginning. A process has 65,530 mappings on Linux, and there may be more arenas.
/// </para>
/// <para>Addresses are good until the block grows or shrinks.</para>
/// </remarks>
internal unsafe struct GrowingBlock
{
    /// <summary>Sixteen pages, whose first touch is what a move takes longest for.</summary>
    public const nuint MostMoved = 64 << 10;

    /// <summary>How much goes back under one lock: some hundred microseconds.</summary>
    public const nuint ReleasedAtATime = 4 << 20;

    private const byte Poison = 0xDB;             // arbitrary: no tag's number, and no address

    private byte* _start;
    private nuint _size;
    private nuint _reserved;                      // 0: the block is malloc's

    public readonly byte* Start
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _start;
    }

    /// <summary>The memory that it takes if so much of it was ever used, in bytes.</summary>
    public readonly long Taken(long used) => NativePages.Taken(used, (long)_size);

    /// <summary>Makes the block longer. Contents beyond the former size are undefined. Throws <see cref="OutOfMemoryException"/>, having
    /// changed nothing.</summary>
    /// <param name="size">In bytes.</param>
    /// <param name="most">How long it may ever be.</param>
    public void Grow(nuint size, ulong most)
    {
        Invariant.Assert(size > _size && size <= most, "a block grows, and not beyond what it may be");
        GrowthFault.ThrowIfDue();
        if (size <= _reserved)
        {
            TableRange.Commit(_start, _size, size, _reserved);
        }
        else if (size <= MostMoved || !TableRange.TryReserve(size, most, out byte* start, out nuint reserved))
        {
            Move((byte*)NativeMemory.Alloc(size), 0);
        }
        else
        {
            try
            {
                TableRange.Commit(start, 0, size, reserved);
            }
            catch (OutOfMemoryException)
            {
                TableRange.Release(start, reserved);
                throw;
            }

            Move(start, reserved);
        }

        _size = size;
    }

    /// <summary>Makes the block shorter, or a step shorter. A small one moves out of its range again. Does not fail.</summary>
    /// <param name="size">In bytes.</param>
    /// <returns>What it has now.</returns>
    public nuint Shrink(nuint size)
    {
        Invariant.Assert(size > 0 && size <= _size, "a block shrinks, and something stays");
        if (_reserved == 0)
        {
            _start = (byte*)NativePages.Shorten(_start, size);
            return _size = size;
        }

        size = nuint.Max(size, _size - nuint.Min(_size, ReleasedAtATime));
        TableRange.Decommit(_start, size, _size, _reserved);
        _size = size;
        if (size <= MostMoved)
        {
            try
            {
                Move((byte*)NativeMemory.Alloc(size), 0);
            }
            catch (OutOfMemoryException)
            {
                // The range stays.
            }
        }

        return size;
    }

    public void Release()
    {
        ReleaseMemory();
        this = default;
    }

    private void Move(byte* start, nuint reserved)
    {
        NativeMemory.Copy(_start, start, _size);
        Overwrite();
        ReleaseMemory();
        _start = start;
        _reserved = reserved;
    }

    private readonly void ReleaseMemory()
    {
        if (_reserved == 0)
        {
            NativeMemory.Free(_start);
        }
        else
        {
            TableRange.Release(_start, _reserved);
        }
    }

    /// <summary>An address that was kept across a move leads to nothing that could be right.</summary>
    [Conditional("DEBUG")]
    private readonly void Overwrite() => NativeMemory.Fill(_start, _size, Poison);
}
