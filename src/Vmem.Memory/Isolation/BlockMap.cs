using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Checks;
using Vmem.Lifetimes;

namespace Vmem.Memory.Isolation;

/// <summary>Where the blocks of all clients' users start, and of which order they are: a byte for each unit of the context.</summary>
/// <remarks>
/// <para>
/// 0 where none starts, else the order + 1, or <see cref="Large"/>. This is what a free is checked against and what tells it the size, in
/// one load at an address that follows from the block's own. A block that its region's tree has given out but whose byte is 0 is cached by
/// the client.
/// </para>
/// <para>
/// Rejected: a bit for each unit, with the order taken from the buddy tree. It is an eighth as large (0.8 % of the memory against 6 % with
/// units of 16 bytes, of which only what describes memory in use is ever touched), but a pair of allocation and free took 18 ns instead of
/// 8: the stack that a freed block goes to depends on its order, the next allocation on the stack, and the order on a chain of seven loads.
/// Rejected too: sizes in front of the blocks, where a client can write.
/// </para>
/// <para>
/// It lies in native memory, because a map for a gigabyte as a managed array is 64 MB of the collector's budget, and brings a collection
/// on. It is freed only when nobody refers to the map: a client that was disposed of still looks here to say what is wrong with a late
/// free.
/// </para>
/// </remarks>
internal sealed unsafe class BlockMap
{
    /// <summary>A large block, as long as its region.</summary>
    public const byte Large = byte.MaxValue;

    private readonly TableKeeper _keeper;
    private readonly byte* _starts;
    private readonly nuint _units;

    public BlockMap(nuint units)
    {
        _starts = (byte*)NativeMemory.AllocZeroed(units);
        _units = units;
        _keeper = new TableKeeper(this, new Bytes(_starts));
    }

    public nuint Units => _units;

    /// <summary>The byte of a unit; 0 for one that does not exist.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int At(nuint unit)
    {
        int start = unit < _units ? _starts[unit] : 0;
        GC.KeepAlive(this);
        return start;
    }

    /// <summary>The unit must exist.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Set(nuint unit, int value)
    {
        Invariant.Assert(unit < _units && (value == 0 || _starts[unit] == 0 || value != _starts[unit]), "a block begins once");
        _starts[unit] = (byte)value;
        GC.KeepAlive(this);
    }

    public void Clear(nuint unit, nuint count)
    {
        NativeMemory.Clear(_starts + unit, count);
        GC.KeepAlive(this);
    }

    /// <summary>True if no block starts at any of these units. There are at most as many as a region has.</summary>
    public bool IsClear(nuint unit, nuint count)
    {
        bool isClear = !new ReadOnlySpan<byte>(_starts + unit, (int)count).ContainsAnyExcept((byte)0);
        GC.KeepAlive(this);
        return isClear;
    }

    private sealed class Bytes(byte* start) : IDisposable
    {
        public void Dispose() => NativeMemory.Free(start);
    }
}
