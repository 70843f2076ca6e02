using Vmem.Checks;

namespace Vmem.Memory.Heap;

// What must hold of a class's slabs.
internal sealed unsafe partial class SlabClass
{
    /// <summary>Every invariant of the slabs. <paramref name="cached"/> are the blocks of this class that lie in magazines; those in the
    /// depot are added.</summary>
    public void Validate(List<nuint> cached)
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        cached.AddRange(_depot.Contents);
        _exchange?.CopyTo(cached);
        Invariant.Hold(new HashSet<nuint>(cached).Count == cached.Count, "a block is in one magazine", $"one of {BlockSize} bytes is there twice: it was freed twice");
        long slabs = 0;
        long blocksOut = 0;
        for (Slab* slab = _newest; slab is not null; slab = slab->Older)
        {
            slabs++;
            int free = slab->Capacity - slab->Untouched;
            for (int index = 0; index < slab->Untouched; index++)
            {
                bool isOut = Slab.IsOut(slab, index);
                free += isOut ? 0 : 1;
                nuint block = slab->Start + ((nuint)index * (nuint)BlockSize);
                Invariant.Hold(!isOut || !Slab.IsGone(slab, block - slab->Start, BlockSize), "a page of a block that is out has not gone back", $"one of the block of {BlockSize} bytes at {block} has");
                Invariant.Hold(isOut || _states?.IsLiveAt(block, _slotShift) != true, "what a user has is out of its slab", $"not the block of {BlockSize} bytes at {block}");
            }

            Invariant.Hold(free == slab->Free, "a slab counts its free blocks", $"{free} are free, {slab->Free} are counted in the slab of {BlockSize} bytes at {slab->Start}");
            Invariant.Hold(
                _space.SlabAt(slab->Start, _sizeClass) == slab && _space.SlabAt(slab->Start + SlabSize - 1, _sizeClass) == slab,
                "the map knows every slab", $"not the one of {BlockSize} bytes at {slab->Start}");
            Invariant.Hold(_space.SizeAt(slab->Start) == SlabSize, "a slab's pages are allocated", $"not those of the slab of {BlockSize} bytes at {slab->Start}");
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
            Slab* slab = _space.SlabAt(block, _sizeClass);
            bool known = slab is not null && _geometry.TryIndex(block - slab->Start, out int index) && Slab.IsOut(slab, index);
            Invariant.Hold(_states?.IsLiveAt(block, _slotShift) != true, "what a magazine holds is no user's", $"{block} is: it was freed by two threads at once");
            Invariant.Hold(known, "what a magazine holds is a block that is out of its slab", $"{block} is none: it was freed wrongly");
        }
    }
}
