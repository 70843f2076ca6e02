using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Caching;
using Vmem.Checks;

namespace Vmem.Memory.Heap;

/// <summary>What one thread holds of one class: a stack of blocks, from which it allocates and to which it frees.</summary>
/// <remarks>
/// <para>
/// The magazines of Bonwick &amp; Adams (2001, §3), loaded and previous, laid end to end: one stack of 2 M rounds. When it is empty, M
/// blocks come from the depot (fewer the first times); when it is full, the M that have lain longest go there. Either way M lie in it
/// afterwards, so that, as with the pair, M operations at least come before the next visit; and what was freed last is always what is
/// handed out next.
/// </para>
/// <para>
/// Rejected: the pair itself (<see cref="Caching.MagazinePair{TItem}"/>, which arenas and object caches have). There magazines change hands
/// as they are, and nothing is copied; but each is an array that somebody makes, and to look at one takes three dependent loads. Here
/// blocks are copied to the depot and back, and an operation needs this record and the line of the stack that it works on. For 10,000
/// blocks of random sizes that is a third less time (docs/design.md).
/// </para>
/// <para>
/// Rejected: one type for this and for the caches' magazines. Those hold references, too, for which copying is slower (the figures are at
/// <c>MagazinePair</c>), so they exchange arrays, and an array's bounds are their limit. Here that would be one more cache line: in a
/// trial, the best of four runs took 15.1 ns instead of 11.5 for a block in bursts of 1,000. What both share is the claim
/// (<see cref="OwnerMark"/>), the table of threads (<see cref="ThreadTable{T}"/>) and the working set of the depot.
/// </para>
/// <para>
/// Rejected: a list through the blocks themselves. A block that leaves the stack unused is then loaded into the cache only to find the
/// next; and a mistake of the heap's user, who writes to a block that is free, would lead the heap astray.
/// </para>
/// <para>
/// The owner uses no interlocked instruction. Others who need the contents claim them (<see cref="OwnerMark"/>): the claimant makes the
/// limit 0, so that nothing can be taken or put. An owner who finds it closed waits for the claimant.
/// </para>
/// <para>
/// A take counts in the word that has the rounds. When a <em>stretch</em> of takes is over, the highest bit of that count makes the next
/// fast take fail like one of an empty magazine: this is how a heap samples one block in many (<see cref="SampleRate"/>). The
/// instructions are those of a heap that does not. Rejected: a count of its own, which every take of every heap would have to look at.
/// Rejected: to sample where magazines are filled. A thread that takes and frees by turns never comes there.
/// </para>
/// <para>Half a cache line: the records of two classes share one, both the same thread's.</para>
/// </remarks>
internal struct HeapMagazine
{
    // A cache line (on 64-bit systems) on either side of the stack, for what the collector puts there may be another thread's.
    private const int Padding = 64 / sizeof(ulong);

    /// <summary>How many blocks a thread fetches first. Arbitrary: four visits before a batch is 64.</summary>
    public const int LeastBatch = 4;

    /// <summary>The most blocks that are taken before somebody must look at the count.</summary>
    public const int LongestStretch = 1 << 23;

    // _state, from below: the rounds in eight bits, and in 24 a count that each take adds to, so that one addition keeps both. Above, where
    // that count began. Once its highest bit is set the stretch is over.
    private const uint RoundsMask = 255;
    private const uint IsOver = 1u << 31;
    private const ulong OneTaken = RoundsMask + 1;
    private const int TakenShift = 8;
    private const int BeginShift = 32;

    private nuint[] _items;                       // null until the thread first needs it
    private Shared<ulong> _state;
    private Bounds _bounds;
    private ulong _seen;                          // the state when it was last asked whether the magazine is idle

    /// <summary>How the bytes of its blocks are found (<see cref="Window.BlockStates"/>). Set before anybody can know the
    /// magazine.</summary>
    public byte SlotShift
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        readonly get => _bounds.SlotShift;
        set => _bounds.SlotShift = value;
    }

    /// <summary>True if something can be put here now. Owner only.</summary>
    public bool IsOpen => _bounds.Limit.VolatileRead() != 0;

    /// <summary>Blocks that lie here. Claimed, or by the owner.</summary>
    public int Rounds => (int)(_state.Read() & RoundsMask);

    /// <summary>True if <see cref="TryPop(out nuint)"/> gives nothing before a stretch begins. Owner only.</summary>
    public bool IsStretchOver => (_state.Read() & IsOver) != 0;

    /// <summary>Blocks that were taken from here to be used, in this stretch. Claimed.</summary>
    public long Taken => TakenOf(_state.Read());

    /// <summary>The blocks, those that came last at the end. Claimed.</summary>
    public ReadOnlySpan<nuint> Contents => Rounds is var rounds and not 0 ? _items.AsSpan(Padding, rounds) : [];

    /// <summary>How many blocks to fetch when none is left. Owner only.</summary>
    /// <remarks>Few at first, then twice as many each time, up to M: a thread that needs a block now and then does not keep 16 KiB of its
    /// class. One while it is closed.</remarks>
    public int NextBatch()
    {
        int most = _bounds.Limit.VolatileRead() / 2;
        int batch = Math.Min(Math.Max((int)_bounds.Batch, LeastBatch), most);
        _bounds.Batch = (byte)(2 * batch);
        return Math.Max(batch, 1);
    }

    /// <summary>Makes room; false if it has some. By its owner, with nobody claiming. Throws <see cref="OutOfMemoryException"/>.</summary>
    /// <param name="capacity">For how many blocks.</param>
    /// <param name="stretch">How many may be taken in the first stretch.</param>
    public bool TryOpen(int capacity, int stretch = LongestStretch)
    {
        if (_items is not null)
        {
            return false;
        }

        Invariant.Assert(capacity is > 0 and <= (int)RoundsMask, "rounds take eight bits");
        int length = capacity + (2 * Padding);
        _items = SpareMagazines.TakeItems(length) ?? new nuint[length];
        _state.Write(StateOf((uint)Rounds, stretch));
        _bounds.Limit.VolatileWrite((ushort)capacity);
        return true;
    }

    /// <summary>Takes the block that came last, if the stretch is not over. Owner only.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPop(out nuint block) => TryPop(RoundsMask | IsOver, out block);

    /// <summary>Takes the block that came last, whether the stretch is over or not. Owner only.</summary>
    public bool TryPopAlways(out nuint block) => TryPop(RoundsMask, out block);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryPop(uint mask, out nuint block)
    {
        BeginOperation();
        uint limit = _bounds.Limit.VolatileRead();
        ulong state = _state.Read();
        ulong next = state + (OneTaken - 1);      // before the state is masked: one copy of it less
        uint rounds = (uint)state & mask;
        if (rounds - 1 < limit)
        {
            block = _items.ReadItem(Padding + (nint)rounds - 1);
            _state.Write(next);
            EndOperation();
            return true;
        }

        EndOperation();
        block = 0;
        return false;
    }

    /// <summary>Ends a stretch and begins one. Owner only.</summary>
    /// <param name="stretch">How many blocks may be taken in it.</param>
    /// <param name="taken">How many were taken in the one before.</param>
    /// <returns>False, and nothing is changed, while it is claimed.</returns>
    public bool TryBeginStretch(int stretch, out long taken)
    {
        BeginOperation();
        bool isOpen = _bounds.Limit.VolatileRead() != 0;
        taken = 0;
        if (isOpen)
        {
            ulong state = _state.Read();
            taken = TakenOf(state);
            _state.Write(StateOf((uint)(state & RoundsMask), stretch));
        }

        EndOperation();
        return isOpen;
    }

    /// <summary>Puts a block on top. Owner only.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPush(nuint block)
    {
        BeginOperation();
        uint limit = _bounds.Limit.VolatileRead();
        ulong state = _state.Read();
        uint rounds = (uint)state & RoundsMask;
        if (rounds < limit)
        {
            _items.WriteItem(Padding + (nint)rounds, block);
            _state.Write(state + 1);
            EndOperation();
            return true;
        }

        EndOperation();
        return false;
    }

    /// <summary>Puts as many of these on top as there is room for, the first uppermost: those are left out that come last. Owner
    /// only.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Fill(ReadOnlySpan<nuint> blocks)
    {
        BeginOperation();
        uint limit = _bounds.Limit.VolatileRead();
        int rounds = Rounds;
        int count = limit == 0 ? 0 : Math.Min(blocks.Length, (int)limit - rounds);
        if (count > 0)                            // else it may be claimed, and then not even the same may be written
        {
            _items.WriteReversed(Padding + rounds, blocks[..count]);
            _state.Write(_state.Read() + (uint)count);
            Invariant.Assert((int)(_state.Peek() & RoundsMask) == rounds + count && rounds + count <= limit, "what is filled in is there");
        }

        EndOperation();
        return count;
    }

    /// <summary>Takes out what has lain longest, if there is no room for more. Owner only.</summary>
    public int Spill(Span<nuint> blocks) => TakeOldest(blocks, onlyIfFull: true);

    /// <summary>Takes out what has lain longest. Owner only.</summary>
    public int TakeOldest(Span<nuint> blocks) => TakeOldest(blocks, onlyIfFull: false);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int TakeOldest(Span<nuint> blocks, bool onlyIfFull)
    {
        BeginOperation();
        uint limit = _bounds.Limit.VolatileRead();
        int rounds = Rounds;
        int count = limit == 0 || (onlyIfFull && rounds < limit) ? 0 : Math.Min(blocks.Length, rounds);
        if (count > 0)
        {
            _items.CopyItems(Padding, blocks[..count]);
            _items.MoveItems(Padding + count, Padding, rounds - count);
            _state.Write(_state.Read() - (uint)count);
            Invariant.Assert((int)(_state.Peek() & RoundsMask) == rounds - count, "what is taken out is gone");
        }

        EndOperation();
        return count;
    }

    /// <summary>Claims it, in effect after a process-wide barrier and <see cref="AwaitOwner"/>.</summary>
    public void BeginClaim() => _bounds.Limit.VolatileWrite(0);

    /// <summary>Waits until the owner is out of the operation that it may have begun before the claim.</summary>
    public void AwaitOwner() => _bounds.Mark.Await();

    public void EndClaim() => _bounds.Limit.VolatileWrite(_items is null ? (ushort)0 : (ushort)(_items.Length - (2 * Padding)));

    /// <summary>Forgets the contents. Claimed.</summary>
    public void Clear()
    {
        ulong state = _state.Read();
        _state.Write(state - (state & RoundsMask));
        Invariant.Assert((_state.Peek() & RoundsMask) == 0, "a cleared magazine has nothing");
        _bounds.Batch = 0;
    }

    /// <summary>True if it was opened. Claimed.</summary>
    public bool HasRoom => _items is not null;

    /// <summary>Forgets the contents and gives its own memory up, until it is opened again. Claimed.</summary>
    /// <returns>How many blocks were taken from it in this stretch.</returns>
    public long Close()
    {
        long taken = Taken;
        _state.Write(0);
        _items = null!;
        return taken;
    }

    /// <summary>Forgets everything. By its owner, whose heap has ended.</summary>
    /// <returns>Its own memory; null if it was never opened.</returns>
    public nuint[]? Retire()
    {
        nuint[]? items = _items;
        _items = null!;
        _state.Write(0);
        _seen = 0;
        _bounds.Batch = 0;
        _bounds.Limit.VolatileWrite(0);
        return items;
    }

    /// <summary>True if nothing was put or taken since this was asked last. Claimed, or by the owner.</summary>
    public bool SeemsIdle()
    {
        ulong state = _state.Read();
        bool same = state == _seen;
        _seen = state;
        return same;
    }

    private static long TakenOf(ulong state) => ((uint)state >> TakenShift) - (long)(state >> BeginShift);

    private static ulong StateOf(uint rounds, int stretch)
    {
        Invariant.Assert(stretch is >= 0 and <= LongestStretch, "a stretch is over before its count is");
        ulong begin = (ulong)(LongestStretch - stretch);
        return (begin << BeginShift) | (begin << TakenShift) | rounds;
    }

    // What stands in for magazines that are not there yet has no items, and every thread as its owner.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void BeginOperation()
    {
        Invariant.Assert(_items is null || !_bounds.Mark.IsBusy, "an owner is in one operation at a time");
        _bounds.Mark.Begin();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void EndOperation()
    {
        Invariant.Assert(_items is null || _bounds.Mark.IsBusy, "an operation ends that has begun");
        _bounds.Mark.End();
    }

    /// <summary>Small fields together: in a struct that has references the runtime gives each field that is a struct eight bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Bounds
    {
        public Shared<ushort> Limit;              // how many rounds there may be; 0 while it is claimed, and before it is there
        public byte Batch;                        // how many come from the depot the next time
        public byte SlotShift;
        public OwnerMark Mark;                    // the owner is at work on the other fields
    }
}
