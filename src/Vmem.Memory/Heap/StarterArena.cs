using System.Runtime.InteropServices;
using Vmem.Checks;

namespace Vmem.Memory.Heap;

/// <summary>Where the first blocks of each class come from: granules in which all classes lie side by side.</summary>
/// <remarks>
/// <para>
/// A program that uses some megabytes uses few blocks of most classes. A slab for three blocks of a class would be a page of memory for
/// them, and what a longer one leaves free in its slab serves nobody else. So a class has its first blocks from here, at the cost of a
/// search. Only if it asks for more does it get slabs, and its threads magazines. With 64 requests of each class, instead of two pages of
/// blocks, the recordings of git and cc1plus take 4 to 6 % less, and python's 4 %.
/// </para>
/// <para>
/// Counted are requests, not live blocks: a class that is used again and again, however few at a time, soon has magazines. What came from
/// here goes back here, found by the class that stands for it in the map of granules.
/// </para>
/// <para>A class that may have no slab, as the heap's limit is near (<see cref="SlabShare"/>), has more than its share.</para>
/// </remarks>
internal sealed unsafe class StarterArena : IDisposable
{
    /// <summary>What stands in the map for granules of this arena: no class, and without magazines.</summary>
    public const int SizeClass = SizeClasses.Count;

    /// <summary>How many blocks a class has from here before it gets a slab. So many that a search for each takes less time than a program
    /// takes to start: otherwise arbitrary.</summary>
    public const int Share = 64;

    private readonly HeapSpace _space;
    private readonly int[] _left = new int[SizeClasses.Count];   // of each class's share; negative: it has had so many more
    private ArenaLock _lock;
    private bool _ended;
    private StarterGranule* _first;               // the oldest: new blocks go there if they can
    private StarterGranule* _last;
    private StarterGranule* _spare;               // a record without a granule
    private StarterFigures _figures;
    private int _empty;                           // granules without a block

    public StarterArena(HeapSpace space)
    {
        _space = space;
        Array.Fill(_left, Share);
    }

    /// <summary>What blocks start at multiples of, unless they are asked for with more.</summary>
    public static nuint Quantum => StarterGranule.Quantum;

    public StarterFigures Figures
    {
        get
        {
            using ArenaLock.Scope held = _lock.EnterScope();
            return _figures;
        }
    }

    /// <summary>A block, if the class has not had its share.</summary>
    public bool TryTake(int sizeClass, nuint alignment, out nuint block)
    {
        block = 0;
        return _left[sizeClass] > 0 && TryTakeBeyond(sizeClass, alignment, out block);
    }

    /// <summary>A block, whatever the class has had.</summary>
    public bool TryTakeBeyond(int sizeClass, nuint alignment, out nuint block)
    {
        ref int left = ref _left[sizeClass];
        left = Math.Max(left - 1, -int.MaxValue);     // two threads may count one: it is no account
        var size = (nuint)SizeClasses.SizeOf(sizeClass);
        alignment = nuint.Max(alignment, size % 16 == 0 ? 16u : Quantum);
        while (!TryTakeHere(size, alignment, out block))
        {
            if (!TryGrow())
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Bytes that a class has asked for here, whether they are live or not.</summary>
    public nuint TakenBytes(int sizeClass) => (nuint)(Share - (long)_left[sizeClass]) * (nuint)SizeClasses.SizeOf(sizeClass);

    /// <summary>The block that an address is in.</summary>
    public bool TryFind(nuint address, out nuint start, out nuint size)
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        StarterGranule* granule = GranuleAt(address);
        (start, size) = (0, 0);
        return granule is not null && StarterGranule.TryFind(granule, address, out start, out size);
    }

    /// <summary>Frees a block. False, and nothing is changed, if none starts there.</summary>
    public bool TryFree(nuint block)
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        StarterGranule* granule = GranuleAt(block);
        if (granule is null || !StarterGranule.TryFree(granule, block, out nuint size))
        {
            return false;
        }

        _figures.InUse -= size;
        _figures.LiveBlocks--;
        if (granule->Blocks == 0 && _empty++ > 0)
        {
            Release(granule);                     // one is kept: what swings about its bound costs no pages
        }

        return true;
    }

    /// <summary>Gives pages back of which no block is live.</summary>
    public void Trim()
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        for (StarterGranule* granule = _first, next; granule is not null; granule = next)
        {
            next = granule->Next;
            if (granule->Blocks == 0)
            {
                Release(granule);
            }
        }
    }

    /// <summary>Gives all pages back, and is as new. Nobody else is in a call.</summary>
    public void Reset()
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        while (_first is not null)
        {
            _empty += _first->Blocks == 0 ? 0 : 1;
            Release(_first);
        }

        Invariant.Assert(_figures.Held == 0 && _empty == 0, "nothing is held without granules");
        _figures = default;
        Array.Fill(_left, Share);
    }

    /// <summary>Checks every invariant. O(granules).</summary>
    public void Validate()
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        StarterFigures seen = new() { Allocations = _figures.Allocations };
        int empty = 0;
        for (StarterGranule* granule = _first; granule is not null; granule = granule->Next)
        {
            Invariant.Hold(GranuleAt(granule->Start) == granule, "the map knows every granule", $"not the one at {granule->Start}");
            Invariant.Hold((granule->Next is null ? _last : granule->Next->Previous) == granule, "the list links granules both ways", $"not at {granule->Start}");
            seen.Held += HeapSpace.Granule;
            seen.InUse += StarterGranule.Validate(granule);
            seen.LiveBlocks += granule->Blocks;
            empty += granule->Blocks == 0 ? 1 : 0;
        }

        Invariant.Hold(seen == _figures && empty == _empty, "what is held is counted", $"{seen} is not {_figures}, or {empty} not {_empty}");
    }

    /// <summary>Whoever comes later gets nothing, and finds nothing. The pages go with the space.</summary>
    public void Dispose()
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        _ended = true;
        for (StarterGranule* granule = _first, next; granule is not null; granule = next)
        {
            next = granule->Next;
            NativeMemory.Free(granule);
        }

        NativeMemory.Free(_spare);
        _first = _last = _spare = null;
    }

    private bool TryTakeHere(nuint size, nuint alignment, out nuint block)
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        block = 0;
        StarterGranule* granule = _first;
        while (granule is not null && (block = StarterGranule.Take(granule, size, alignment)) == 0)
        {
            granule = granule->Next;
        }

        if (granule is null)
        {
            return false;
        }

        _empty -= granule->Blocks == 1 ? 1 : 0;
        _figures.InUse += size;
        _figures.LiveBlocks++;
        _figures.Allocations++;
        return true;
    }

    /// <summary>A granule more. The lock is not held: the system may be asked for memory.</summary>
    private bool TryGrow()
    {
        StarterGranule* record = TakeRecord();
        bool isThere = false;
        nuint start = 0;
        try
        {
            isThere = record is not null && _space.TryAllocate(HeapSpace.Granule, HeapSpace.Granule, clear: false, out start, out _);
        }
        finally
        {
            if (!isThere)
            {
                NativeMemory.Free(record);
            }
        }

        return isThere && TryLink(record, start);
    }

    private bool TryLink(StarterGranule* record, nuint start)
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        if (_ended)
        {
            NativeMemory.Free(record);
            return false;                         // the pages have gone with the space
        }

        StarterGranule.Initialize(record, start);
        _space.SetRecord(start, HeapSpace.Granule, SizeClass, record);
        record->Previous = _last;
        if (_last is null)
        {
            _first = record;
        }
        else
        {
            _last->Next = record;
        }

        _last = record;
        _figures.Held += HeapSpace.Granule;
        _empty++;
        return true;
    }

    private StarterGranule* TakeRecord()
    {
        using (_lock.EnterScope())
        {
            if (_spare is not null)
            {
                StarterGranule* spare = _spare;
                _spare = null;
                return spare;
            }
        }

        try
        {
            GrowthFault.ThrowIfDue();
            return (StarterGranule*)NativeMemory.Alloc((nuint)sizeof(StarterGranule));
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
    }

    /// <summary>Gives a granule back that counts as empty.</summary>
    private void Release(StarterGranule* granule)
    {
        _lock.AssertHeld();
        (granule->Previous is null ? ref _first : ref granule->Previous->Next) = granule->Next;
        (granule->Next is null ? ref _last : ref granule->Next->Previous) = granule->Previous;
        _empty--;
        _figures.Held -= HeapSpace.Granule;
        _space.ForgetRecord(granule->Start, HeapSpace.Granule);
        _space.Free(granule->Start, HeapSpace.Granule);
        NativeMemory.Free(_spare);
        _spare = granule;
    }

    /// <summary>The granule that an address is in; null if it is in none, or the arena has ended. The lock is held.</summary>
    private StarterGranule* GranuleAt(nuint address)
    {
        _lock.AssertHeld();
        return _ended ? null : (StarterGranule*)_space.RecordAt(address, SizeClass);
    }
}
