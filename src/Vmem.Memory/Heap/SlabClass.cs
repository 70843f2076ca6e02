using System.Runtime.CompilerServices;

namespace Vmem.Memory.Heap;

/// <summary>The slabs of one class: where magazines are filled from when the depot has none, and emptied to.</summary>
/// <remarks>
/// Blocks come and go by the batch, so that the lock is taken once in some tens of operations at least. A batch comes from the slab that got a
/// block back last; a slab that is whole again goes back to the heap's pages, except for one.
/// </remarks>
internal sealed unsafe class SlabClass
{
    // Blocks above a sixteenth of a granule have longer slabs, lest much of one be lost at its end: less than a block in 16 or more is.
    private const int LongestInOneGranule = 4096;
    private const nuint LongSlab = 4 * HeapSpace.Granule;

    private readonly HeapSpace _space;
    private readonly SlabMap _map;
    private readonly SlabRecords _records;
    private readonly int _sizeClass;
    private readonly int _size;
    private readonly nuint _slabSize;
    private readonly int _capacity;
    private readonly ulong _reciprocal;           // ⌈2^32 / size⌉: offset × it ÷ 2^32 is exact for offsets below 2^18
    private ArenaLock _lock;
    private Slab* _first;                         // with free blocks
    private long _slabs;
    private long _blocksOut;                      // to magazines or users
    private Slab* _spare;                         // wholly free, not in that list
    private Slab* _all;
    private Slab* _retired;                       // records without a slab

    public SlabClass(HeapSpace space, SlabRecords records, int sizeClass)
    {
        _records = records;
        _space = space;
        _map = space.Map;
        _sizeClass = sizeClass;
        _size = SizeClasses.SizeOf(sizeClass);
        _slabSize = _size <= LongestInOneGranule ? HeapSpace.Granule : LongSlab;
        _capacity = (int)(_slabSize / (nuint)_size);
        _reciprocal = ((1ul << 32) + (ulong)_size - 1) / (ulong)_size;
    }

    public int Size => _size;

    /// <summary>Takes blocks out; fewer than asked for, or none, if there is no memory.</summary>
    public int Take(Span<nuint> blocks)
    {
        int taken = 0;
        _lock.Enter();
        try
        {
            while (taken < blocks.Length)
            {
                Slab* slab = _first;
                if (slab is null && (slab = FreshSlab()) is null)
                {
                    break;
                }

                taken += Slab.Take(slab, _size, blocks[taken..]);
                if (slab->Free == 0)
                {
                    Unlink(slab);
                }
            }

            _blocksOut += taken;
        }
        finally
        {
            _lock.Exit();
        }

        return taken;
    }

    /// <summary>Puts blocks back. What cannot be one of them is reported, after all others have been put back.</summary>
    /// <exception cref="InvalidFreeException">One was in its slab already, or is none of these blocks: it was freed wrongly before.</exception>
    public void Give(ReadOnlySpan<nuint> blocks)
    {
        nuint wrong = 0;
        _lock.Enter();
        try
        {
            foreach (nuint block in blocks)
            {
                Slab* slab = _map.SlabAt(block);
                if (slab is null || slab->SizeClass != _sizeClass || !TryIndex(slab, block, out int index) || !Slab.TryGive(slab, index))
                {
                    wrong = block;
                    continue;
                }

                _blocksOut--;
                if (slab->Free == 1)
                {
                    Link(slab);
                }

                if (slab->Free == slab->Capacity)
                {
                    Unlink(slab);
                    Retire(slab);
                }
            }
        }
        finally
        {
            _lock.Exit();
        }

        if (wrong != 0)
        {
            throw new InvalidFreeException(InvalidFreeReason.AlreadyFree, wrong, 0,
                $"0x{wrong:x} had been freed while it was no live block: twice, or at an address inside one. NativeHeapOptions.Debugging finds by whom.");
        }
    }

    /// <summary>Gives the spare slab back. Returns its size, or 0.</summary>
    public nuint Trim()
    {
        _lock.Enter();
        try
        {
            if (_spare is null)
            {
                return 0;
            }

            Release(_spare);
            _spare = null;
            return _slabSize;
        }
        finally
        {
            _lock.Exit();
        }
    }

    public (long Slabs, nuint Bytes, long BlocksOut) Count()
    {
        _lock.Enter();
        try
        {
            return (_slabs, (nuint)_slabs * _slabSize, _blocksOut);
        }
        finally
        {
            _lock.Exit();
        }
    }

    /// <summary>Where is the block in its slab? False for an address inside one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryIndex(Slab* slab, nuint block, out int index)
    {
        ulong offset = block - slab->Start;
        index = (int)((offset * _reciprocal) >> 32);
        return (ulong)index * (ulong)_size == offset && index < slab->Capacity;
    }

    private Slab* FreshSlab()
    {
        Slab* slab = _spare;
        _spare = null;
        if (slab is null)
        {
            if (!_space.TryAllocate(_slabSize, HeapSpace.Granule, out nuint start, out _))
            {
                return null;
            }

            try
            {
                slab = TakeRecord();
            }
            catch (OutOfMemoryException)
            {
                _space.Free(start, _slabSize);
                return null;
            }

            Slab.Initialise(slab, start, _sizeClass, _capacity);
            slab->NextOfAll = _all;
            if (_all is not null)
            {
                _all->PreviousOfAll = slab;
            }

            _all = slab;
            _map.Set(start, _slabSize, slab);
            _slabs++;
        }

        Link(slab);
        return slab;
    }

    private void Retire(Slab* slab)
    {
        if (_spare is null)
        {
            _spare = slab;
        }
        else
        {
            Release(slab);
        }
    }

    private void Release(Slab* slab)
    {
        if (slab->PreviousOfAll is not null)
        {
            slab->PreviousOfAll->NextOfAll = slab->NextOfAll;
        }
        else
        {
            _all = slab->NextOfAll;
        }

        if (slab->NextOfAll is not null)
        {
            slab->NextOfAll->PreviousOfAll = slab->PreviousOfAll;
        }

        _map.Clear(slab->Start, _slabSize);
        _space.Free(slab->Start, _slabSize);
        slab->Next = _retired;
        _retired = slab;
        _slabs--;
    }

    private Slab* TakeRecord()
    {
        Slab* slab = _retired;
        if (slab is null)
        {
            return _records.Take(_capacity);
        }

        _retired = slab->Next;
        return slab;
    }

    /// <summary>Every invariant of the slabs. <paramref name="cached"/> are the blocks of this class that lie in magazines.</summary>
    public void Validate(ReadOnlySpan<nuint> cached)
    {
        _lock.Enter();
        try
        {
            long slabs = 0;
            long blocksOut = 0;
            for (Slab* slab = _all; slab is not null; slab = slab->NextOfAll)
            {
                slabs++;
                int free = slab->Capacity - slab->Untouched;
                for (int index = 0; index < slab->Untouched; index++)
                {
                    free += Slab.IsOut(slab, index) ? 0 : 1;
                }

                Invariant.Hold(free == slab->Free, "a slab counts its free blocks", $"{free} are free, {slab->Free} are counted in the slab of {_size} bytes at {slab->Start}");
                Invariant.Hold(_map.SlabAt(slab->Start) == slab && _map.SlabAt(slab->Start + _slabSize - 1) == slab, "the map knows every slab", $"not the one of {_size} bytes at {slab->Start}");
                Invariant.Hold(_space.SizeAt(slab->Start) == _slabSize, "a slab's pages are allocated", $"not those of the slab of {_size} bytes at {slab->Start}");
                blocksOut += slab->Capacity - free;
            }

            int listed = 0;
            for (Slab* slab = _first; slab is not null; slab = slab->Next)
            {
                Invariant.Hold(slab->Free > 0 && slab->Free < slab->Capacity + (slab->Untouched == 0 ? 1 : 0), "slabs listed have something out and something in", $"the one at {slab->Start} has {slab->Free} of {slab->Capacity}");
                listed++;
            }

            Invariant.Hold(listed <= slabs, "a slab is listed once", $"{listed} of {slabs}");
            Invariant.Hold(slabs == _slabs && blocksOut == _blocksOut, "slabs and blocks are counted", $"{slabs} and {blocksOut} are there, {_slabs} and {_blocksOut} are counted");
            foreach (nuint block in cached)
            {
                Slab* slab = _map.SlabAt(block);
                bool known = slab is not null && slab->SizeClass == _sizeClass && TryIndex(slab, block, out int index) && Slab.IsOut(slab, index);
                Invariant.Hold(known, "what a magazine holds is a block that is out of its slab", $"{block} is none: it was freed wrongly");
            }
        }
        finally
        {
            _lock.Exit();
        }
    }

    private void Link(Slab* slab)
    {
        slab->Previous = null;
        slab->Next = _first;
        if (_first is not null)
        {
            _first->Previous = slab;
        }

        _first = slab;
    }

    private void Unlink(Slab* slab)
    {
        if (slab->Previous is not null)
        {
            slab->Previous->Next = slab->Next;
        }
        else
        {
            _first = slab->Next;
        }

        if (slab->Next is not null)
        {
            slab->Next->Previous = slab->Previous;
        }
    }
}
