using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Memory.Window;

namespace Vmem.Memory.Heap;

/// <summary>The blocks of all classes: the threads' magazines above, the slabs below.</summary>
/// <remarks>What the fast paths of <see cref="NativeHeap"/> cannot take from a magazine or put into it comes here, and fills or empties
/// that magazine by half.</remarks>
internal sealed partial class SmallBlocks : IDisposable
{
    private readonly SlabRecords _records = new();
    private readonly SlabClass?[] _classes = new SlabClass?[SizeClasses.Count];      // those that were asked for
    private readonly HeapSpace _space;
    private readonly BlockStates? _states;        // null: frees are not checked
    private readonly SlabShare? _share;           // null: every class gets slabs while there is room
    private long _taken;                          // blocks handed out that no magazine counts, or not any more
    private InvalidFreeException? _wrongFree;     // found where nobody was to be told

    /// <param name="space">Where slabs lie.</param>
    /// <param name="hasMagazines">Whether threads keep blocks. If not, each comes from its slab and goes back there.</param>
    /// <param name="trustsCaller">Whether frees are not checked.</param>
    /// <param name="rate">How often a sample is due; null: never.</param>
    /// <param name="share">Who may have slabs where there is a limit.</param>
    public SmallBlocks(HeapSpace space, bool hasMagazines, bool trustsCaller = false, SampleRate? rate = null, SlabShare? share = null)
    {
        _share = share;
        Magazines = new MagazineTable(rate);
        _space = space;
        _states = trustsCaller ? null : space.States;
        if (!hasMagazines)
        {
            Magazines.End();
        }
    }

    public MagazineTable Magazines { get; }

    private ReadOnlySpan<SlabClass?> Classes => _classes.AsSpan(1);

    /// <summary>A block from the thread's magazine, which is filled by half if it is empty; 0 if there is no memory.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public nuint Take(int sizeClass)
    {
        SlabClass slabs = ClassOf(sizeClass);
        Span<nuint> room = stackalloc nuint[SizeClasses.MostRounds];
        ref HeapMagazine mine = ref MagazineOf(slabs);
        _ = mine.IsStretchOver && TryEndStretch(ref mine);
        while (true)
        {
            if (mine.TryPopAlways(out nuint block))
            {
                if (TryMark(block, sizeClass))
                {
                    return block;
                }

                continue;
            }

            if (slabs.IsEmpty)
            {
                // Before the heap grows: a block that nobody needs keeps a whole slab's memory from all other classes.
                NoteWrong(Magazines.ReturnIdle(Classes));
            }

            Span<nuint> batch = room[..slabs.Take(room, mine.NextBatch())];
            if (batch.IsEmpty)
            {
                return 0;
            }

            block = batch[0];

            // The lowest address of a slab is handed out first.
            batch = batch[(1 + mine.Fill(batch[1..]))..];
            if (!batch.IsEmpty)
            {
                NoteWrong(slabs.Give(batch));
            }

            if (TryMark(block, sizeClass))
            {
                _ = Interlocked.Increment(ref _taken);
                return block;
            }
        }
    }

    /// <summary>Begins another stretch of the thread's magazine, if one is over: then a sample is due. Tells also whether the magazine
    /// counts the block that is asked for.</summary>
    public bool TryEndStretch(int sizeClass, out bool counts)
    {
        ref HeapMagazine mine = ref Magazines.Mine(sizeClass);
        counts = mine.Rounds > 0;
        return mine.IsStretchOver && TryEndStretch(ref mine);
    }

    /// <summary>Puts a block into the thread's magazine, of which one half goes to the depot if it is full.</summary>
    /// <returns>False, and nothing is changed, if no user's block starts there.</returns>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool TryGive(nuint block, int sizeClass)
    {
        SlabClass slabs = ClassOf(sizeClass);
        Span<nuint> batch = stackalloc nuint[SizeClasses.MostRounds];
        ref HeapMagazine mine = ref MagazineOf(slabs);      // what throws comes before
        if (_states?.TryGive(block, SizeClasses.SlotShiftOf(sizeClass)) == false)
        {
            return false;
        }

        batch = batch[..mine.Spill(batch[..SizeClasses.Rounds(sizeClass)])];
        if (!batch.IsEmpty)
        {
            NoteWrong(slabs.Give(batch));
        }

        if (!mine.TryPush(block))
        {
            NoteWrong(slabs.Give([block]));
        }

        return true;
    }

    /// <summary>True if a user's block starts at an address in a slab; without checks, always.</summary>
    public bool IsLive(nuint address, int sizeClass) => _states?.IsLiveAt(address, SizeClasses.SlotShiftOf(sizeClass)) != false;

    /// <summary>True if an address in a slab lies in a user's block.</summary>
    public bool IsInLive(nuint address, int sizeClass) =>
        ClassOf(sizeClass).StartOf(address) is var start and not 0 && IsLive(start, sizeClass);

    /// <summary>A block that was found in a magazine is with a user all the same.</summary>
    public void NoteTwice(nuint block) => NoteWrong(block);

    /// <summary>Gives blocks in reserve back to their slabs, and whole slabs to the pages.</summary>
    /// <param name="idleOnly">Whether only those go back that nobody needed since this was called last: an interval has ended.</param>
    public void GiveBack(bool idleOnly)
    {
        using (new Claim(Magazines))
        {
            foreach (SlabClass? slabs in Classes)
            {
                NoteWrong(slabs is null ? 0 : Magazines.Drain(slabs, idleOnly));
            }
        }

        foreach (SlabClass? slabs in Classes)
        {
            NoteWrong(slabs is null ? 0 : idleOnly ? slabs.Tick() : slabs.Trim());
        }
    }

    /// <summary>Gives the memory of pages back on which no block is out.</summary>
    public void DiscardSparse()
    {
        foreach (SlabClass? slabs in Classes)
        {
            _space.NoteDiscarded(slabs?.DiscardSparse() ?? 0);
        }
    }

    /// <summary>The same, until so many bytes have gone: the longest blocks first, which leave most whole pages.</summary>
    /// <returns>How many they are.</returns>
    public nuint DiscardSparse(nuint enough)
    {
        nuint discarded = 0;
        for (int sizeClass = SizeClasses.Count - 1; sizeClass > 0 && discarded < enough; sizeClass--)
        {
            discarded += _classes[sizeClass]?.DiscardSparse(enough - discarded) ?? 0;
        }

        _space.NoteDiscarded(discarded);
        return discarded;
    }

    /// <summary>A wrong free that was found since this was called last.</summary>
    public InvalidFreeException? TakeWrongFree() => Interlocked.Exchange(ref _wrongFree, null);

    /// <summary>Gives all slabs back, whatever is out of them, and is as new. Nobody else is in a call.</summary>
    public void Reset()
    {
        Magazines.Reset();
        foreach (SlabClass? slabs in Classes)
        {
            slabs?.Reset();
        }

        _taken = 0;
        _wrongFree = null;
    }

    /// <summary>What lies in magazines is the next heap's: every call finds out that this one is gone.</summary>
    public void Dispose()
    {
        Magazines.End();
        foreach (SlabClass? slabs in Classes)
        {
            slabs?.Dispose();
        }

        _records.Dispose();
    }

    /// <summary>A class, made when it is first asked for. Throws <see cref="OutOfMemoryException"/>.</summary>
    private SlabClass ClassOf(int sizeClass)
    {
        ref SlabClass? slabs = ref _classes[sizeClass];
        return Volatile.Read(ref slabs) ?? Make(ref slabs);

        SlabClass Make(ref SlabClass? place)
        {
            var made = new SlabClass(_space, _states, _records, sizeClass, _share);
            return Interlocked.CompareExchange(ref place, made, null) ?? made;
        }
    }

    /// <summary>The current thread's magazine of a class; a closed one if there are none, or no memory for one.</summary>
    private ref HeapMagazine MagazineOf(SlabClass slabs)
    {
        try
        {
            int capacity = 2 * SizeClasses.Rounds(slabs.SizeClass);
            ref HeapMagazine mine = ref Magazines.Mine(slabs.SizeClass);
            if (!mine.IsOpen)
            {
                mine = ref Magazines.Join(slabs.SizeClass, capacity, Magazines.NextStretch(), out bool isNew);
                slabs.NoteThread(isNew);
            }

            return ref mine;
        }
        catch (OutOfMemoryException)
        {
            return ref MagazineTable.None;        // without one it is slow, and works all the same
        }
    }

    private bool TryEndStretch(ref HeapMagazine mine)
    {
        bool isEnded = mine.TryBeginStretch(Magazines.NextStretch(), out long taken);
        _ = Interlocked.Add(ref _taken, taken);
        return isEnded;
    }

    private bool TryMark(nuint block, int sizeClass)
    {
        bool isMarked = _states?.TryTake(block, SizeClasses.SlotShiftOf(sizeClass)) != false;
        NoteWrong(isMarked ? 0 : block);
        return isMarked;
    }

    /// <summary>A block that was freed wrongly keeps no other from its slab, and does not fail the call that comes upon it; the next call
    /// of <see cref="NativeHeap.Trim"/> throws.</summary>
    private void NoteWrong(nuint block)
    {
        if (block != 0)
        {
            _wrongFree ??= new InvalidFreeException(InvalidFreeReason.AlreadyFree, block, 0,
                $"0x{block:x} had been freed while it was no live block: by two threads at once or, where the caller is trusted, twice or at an address inside one. NativeHeapOptions.Debugging finds by whom.");
        }
    }

    /// <summary>Nothing moves in magazines until it is disposed of.</summary>
    private readonly ref struct Claim
    {
        private readonly MagazineTable _magazines;

        public Claim(MagazineTable magazines)
        {
            magazines.Claim();
            _magazines = magazines;
        }

        public void Dispose() => _magazines.Release();
    }
}
