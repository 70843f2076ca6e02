using System.Runtime.CompilerServices;

namespace Vmem.Memory.Heap;

// The slabs themselves, below the depot. Under the lock.
internal sealed unsafe partial class SlabClass
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private nuint GiveToSlabs(ReadOnlySpan<nuint> blocks)
    {
        nuint wrong = 0;
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
                Release(slab);
            }
        }

        return wrong;
    }

    private Slab* FreshSlab()
    {
        if (!_space.TryAllocate(_slabSize, HeapSpace.Granule, clear: false, out nuint start, out _))
        {
            return null;
        }

        Slab* slab = null;
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
        Link(slab);
        return slab;
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
