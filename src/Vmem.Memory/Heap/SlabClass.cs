using System.Runtime.CompilerServices;

namespace Vmem.Memory.Heap;

/// <summary>The slabs of one class: where magazines are filled from when the depot has none, and emptied to.</summary>
/// <remarks>
/// Blocks come and go by the batch, so that the lock is taken once in some tens of operations at least. A batch comes from the slab that got a
/// block back last; a slab that is whole again goes back to the heap's pages, except for one.
/// </remarks>
internal sealed unsafe partial class SlabClass
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
    private bool _spareIsOld;                     // since the last interval or longer
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
                if (slab is null && (taken > 0 || (slab = FreshSlab()) is null))
                {
                    break;                        // a fresh slab may fail: what is taken must not be lost by that
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

    /// <summary>Gives the spare slab back.</summary>
    public void Trim()
    {
        _lock.Enter();
        try
        {
            ReleaseSpare();
        }
        finally
        {
            _lock.Exit();
        }
    }

    /// <summary>Ends an interval: a spare slab that nobody needed in it goes back.</summary>
    public void Tick()
    {
        _lock.Enter();
        try
        {
            if (_spareIsOld)
            {
                ReleaseSpare();
            }

            _spareIsOld = _spare is not null;
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
                return null;
            }
            finally
            {
                if (slab is null)
                {
                    _space.Free(start, _slabSize);
                }
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
            _spareIsOld = false;
        }
        else
        {
            Release(slab);
        }
    }

    private void ReleaseSpare()
    {
        if (_spare is not null)
        {
            Release(_spare);
            _spare = null;
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
