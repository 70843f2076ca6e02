using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Memory.Heap;

// The slabs themselves, below the depot. Under the lock.
internal sealed unsafe partial class SlabClass
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private nuint GiveToSlabs(ReadOnlySpan<nuint> blocks)
    {
        _lock.AssertHeld();
        nuint wrong = 0;
        bool isRow = IsRow(blocks, (nuint)BlockSize);
        while (!blocks.IsEmpty)
        {
            Slab* slab = _space.SlabAt(blocks[0], _sizeClass);
            if (slab is null)
            {
                wrong = blocks[0];
                blocks = blocks[1..];
                continue;
            }

            int before = slab->Free;
            byte* states = _states is null ? null : _states.PlaceOf(slab->Start, _slotShift);
            int row = isRow ? Slab.GiveRow(slab, _geometry, states, blocks) : 0;
            blocks = row > 0 ? blocks[row..] : Slab.Give(slab, _geometry, states, blocks, ref wrong);
            _blocksOut -= slab->Free - before;
            Invariant.Assert(_blocksOut >= 0 && slab->Free <= slab->Capacity, "a block that comes back was counted as out");
            if (before == 0 && slab->Free > 0)
            {
                Link(slab);
            }

            if (before < slab->Free && slab->Free == slab->Capacity)
            {
                Unlink(slab);
                Release(slab);
            }
        }

        return wrong;
    }

    /// <summary>True if blocks lie one behind the other, upward or downward, as what is freed in the order of its allocation does. Decided
    /// once for a batch: where it is none, that shows at its second block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool IsRow(ReadOnlySpan<nuint> blocks, nuint size)
    {
        if (blocks.Length is < 2 or > 64)
        {
            return false;
        }

        nuint step = blocks[1] - blocks[0];
        if (step != size && step != 0 - size)
        {
            return false;
        }

        int next = 2;
        while (next < blocks.Length && blocks[next] - blocks[next - 1] == step)
        {
            next++;
        }

        return next == blocks.Length;
    }

    private Slab* FreshSlab()
    {
        _lock.AssertHeld();
        if (_share?.Allows(_sizeClass, SlabSize, (nuint)_blocksOut * (nuint)BlockSize) == false
            || !_space.TryAllocateSlab(SlabSize, out nuint start, out ulong clean))
        {
            return null;
        }

        Slab* slab = null;
        try
        {
            slab = _states?.TryOpen(start, SlabSize, _slotShift) == false ? null : TakeRecord();
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
        finally
        {
            if (slab is null)
            {
                _space.Free(start, SlabSize);
            }
        }

        if (slab is null)
        {
            return null;
        }

        Invariant.Assert((start & (HeapSpace.Granule - 1)) == 0 && _space.ClassAt(start) == 0, "a slab is made of whole granules that are no other's");
        Slab.Initialize(slab, start, _geometry.Capacity, clean);
        _space.SetRecord(start, SlabSize, _sizeClass, slab);
        slab->Older = _newest;
        if (_newest is not null)
        {
            _newest->Newer = slab;
        }

        _newest = slab;
        _slabs++;
        Link(slab);
        return slab;
    }

    private void Release(Slab* slab)
    {
        _lock.AssertHeld();
        Invariant.Assert(slab->Free == slab->Capacity && slab != _first && _slabs > 0, "a slab that goes has all its blocks, and none to give");
        GiveUp(slab);
    }

    /// <summary>The pages of a slab that is in no list of those with free blocks go back.</summary>
    private void GiveUp(Slab* slab)
    {
        Invariant.Assert(_space.SlabAt(slab->Start, _sizeClass) == slab, "a slab that goes is in the map");
        Forget(slab);
        _space.ForgetRecord(slab->Start, SlabSize);
        Slab.ForgetGone(slab, _space);
        _space.Free(slab->Start, SlabSize);
        slab->Next = _spare;
        _spare = slab;
        _slabs--;
    }

    /// <summary>A slab is none any more.</summary>
    private void Forget(Slab* slab)
    {
        Invariant.Assert((slab->Newer is null ? _newest : slab->Newer->Older) == slab, "a slab that goes was there");
        if (slab->Newer is not null)
        {
            slab->Newer->Older = slab->Older;
        }
        else
        {
            _newest = slab->Older;
        }

        if (slab->Older is not null)
        {
            slab->Older->Newer = slab->Newer;
        }
    }

    private Slab* TakeRecord()
    {
        Slab* slab = _spare;
        if (slab is null)
        {
            return _records.Take(_geometry.Capacity);
        }

        Invariant.Assert(slab->Free == slab->Capacity, "a record without a slab was left by one of this class, whole");
        _spare = slab->Next;
        return slab;
    }

    private void Link(Slab* slab)
    {
        Invariant.Assert(slab->Free > 0 && slab != _first, "a slab is listed once, with blocks to give");
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
        Invariant.Assert((slab->Previous is null ? _first : slab->Previous->Next) == slab, "what leaves the list was in it");
        Invariant.Assert(slab->Next is null || slab->Next->Previous == slab, "the list links slabs both ways");
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
