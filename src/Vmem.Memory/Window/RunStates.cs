using System.Runtime.InteropServices;
using Vmem.Checks;

namespace Vmem.Memory.Window;

/// <summary>Which page runs are with users: a byte for each page, said of the run that starts there.</summary>
/// <remarks>
/// <para>
/// A byte is 0 where no run starts, a class and one more where a user's does, and one of two marks otherwise: it lies in a magazine or has
/// gone back to the pages, or it is being resized or moved. A large block that is no run has 0, or a mark of its own if it has room to
/// grow, and those two. So a free knows with one look that it is right, and to which magazine it goes. Rejected: to ask the arena of the
/// pages, which takes several times as long as all else.
/// </para>
/// <para>
/// What a user gives up is exchanged for a mark in one step: of two threads that free a run at the same moment one is refused. The
/// mark stays when the run goes back to the pages. Whatever large block starts there next sets its own byte.
/// </para>
/// </remarks>
internal sealed unsafe class RunStates : IDisposable
{
    /// <summary>No user's: in a magazine, or not there any more.</summary>
    public const byte Gone = byte.MaxValue;

    /// <summary>A user's block, and no run, that is longer than was asked for.</summary>
    public const byte Roomy = Held - 1;

    private const byte Held = Gone - 1;

    private readonly SparseTable _table;
    private readonly nuint _start;
    private readonly nuint _size;
    private readonly int _pageShift;
    private readonly nuint _pageMask = VirtualMemory.PageSize - 1;
    private readonly byte* _bytes;

    /// <param name="start">Where the cover starts.</param>
    /// <param name="size">How long it is.</param>
    /// <exception cref="OutOfMemoryException">There is no address space for it.</exception>
    public RunStates(nuint start, nuint size)
    {
        _start = start;
        _size = size;
        _pageShift = System.Numerics.BitOperations.Log2(VirtualMemory.PageSize);
        _table = new SparseTable(size >> _pageShift, isReadable: false);
        _bytes = _table.Start;
    }

    /// <summary>Memory for the bytes of an extent. False if there is none. One thread at a time.</summary>
    public bool TryCommit(nuint start, nuint size) => _table.TryCommit((start - _start) >> _pageShift, size >> _pageShift);

    /// <summary>The byte of a page in an extent; 0 for an address between two pages.</summary>
    public byte At(nuint address) => (address & _pageMask) == 0 ? Place(address) : (byte)0;

    /// <summary>True if it is said of a user's block: not of one that was given up, or is held.</summary>
    public static bool IsLive(byte state) => state < Held;

    /// <summary>Says what starts there from now on.</summary>
    public void Set(nuint start, byte state) => Volatile.Write(ref Place(start), state);

    /// <summary>A user's run is none from now on. False, and nothing is changed, if it was not.</summary>
    public bool TryGive(nuint start, byte state) => Interlocked.CompareExchange(ref Place(start), Gone, state) == state;

    /// <summary>Nobody can free it until <see cref="Set"/>. False if there is nothing to hold.</summary>
    public bool TryHold(nuint start, byte state) => Interlocked.CompareExchange(ref Place(start), Held, state) == state;

    /// <summary>An owner has left: none of his runs are there any more.</summary>
    public void Forget(nuint start, nuint size) => NativeMemory.Clear(_bytes + ((start - _start) >> _pageShift), size >> _pageShift);

    public void Dispose() => _table.Dispose();

    private ref byte Place(nuint address)
    {
        Invariant.Assert(address - _start < _size, "a page in the cover is asked about");
        return ref _bytes[(address - _start) >> _pageShift];
    }
}
