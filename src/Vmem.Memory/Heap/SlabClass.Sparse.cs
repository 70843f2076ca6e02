namespace Vmem.Memory.Heap;

// Slabs of which most blocks are free: their pages go back, though the slab stays.
internal sealed unsafe partial class SlabClass
{
    /// <summary>Gives the memory of all pages back on which no block is out. Free blocks hold nothing, so nothing is lost. The lock is held
    /// for one slab at a time. O(slabs with free blocks).</summary>
    /// <remarks>The pages still count as the slab's, and as dirty: a block may be handed out on them at any time.</remarks>
    public void DiscardSparse()
    {
        foreach (nuint start in CopySparse())
        {
            using (_lock.EnterScope())
            {
                // Who it was may have gone meanwhile.
                Slab* slab = _ended ? null : _space.SlabAt(start, _sizeClass);
                if (slab is not null && slab->Start == start)
                {
                    DiscardFree(slab);
                }
            }
        }
    }

    /// <summary>Where the slabs start that may have a page without blocks.</summary>
    private List<nuint> CopySparse()
    {
        List<nuint> starts = [];
        using (_lock.EnterScope())
        {
            for (Slab* slab = _first; slab is not null; slab = slab->Next)
            {
                if ((nuint)slab->Free * (nuint)BlockSize >= HeapSpace.PageSize)
                {
                    starts.Add(slab->Start);
                }
            }
        }

        return starts;
    }

    private void DiscardFree(Slab* slab)
    {
        _lock.AssertHeld();
        nuint mask = HeapSpace.PageSize - 1;
        for (int first = Slab.NextOf(slab, 0, isOut: false); first < _geometry.Capacity;)
        {
            int end = Slab.NextOf(slab, first, isOut: true);
            nuint from = (slab->Start + (nuint)(first * BlockSize) + mask) & ~mask;
            nuint to = (end == _geometry.Capacity ? slab->Start + SlabSize : slab->Start + (nuint)(end * BlockSize)) & ~mask;
            if (from < to)
            {
                VirtualMemory.Discard((void*)from, to - from);
            }

            first = Slab.NextOf(slab, end, isOut: false);
        }
    }
}
