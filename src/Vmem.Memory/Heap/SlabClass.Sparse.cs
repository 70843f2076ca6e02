using Vmem.Checks;

namespace Vmem.Memory.Heap;

// Slabs of which most blocks are free: their pages go back, though the slab stays.
internal sealed unsafe partial class SlabClass
{
    private const int MostLooks = 64;             // of a class, each time the heap has grown: arbitrary

    private nuint _lookedTo;                      // where the slab starts that was looked at last; 0: the first one is next

    /// <summary>Gives the memory of all pages back on which no block is out. Free blocks hold nothing, so nothing is lost. The lock is held
    /// for one slab at a time. O(slabs with free blocks).</summary>
    /// <remarks>The pages still count as the slab's, and as dirty: a block may be handed out on them at any time.</remarks>
    /// <returns>How many bytes had memory.</returns>
    public nuint DiscardSparse()
    {
        nuint discarded = 0;
        foreach (nuint start in CopySparse())
        {
            using (_lock.EnterScope())
            {
                Slab* slab = ListedAt(start);
                discarded += slab is null ? 0 : Slab.Discard(slab, _geometry, again: true);
            }
        }

        return discarded;
    }

    /// <summary>The same for some slabs, and no list is made of them. The next call goes on with the others, as far as those are listed
    /// still: so all have their turn if the heap goes on growing.</summary>
    /// <param name="enough">It ends when so many bytes have gone.</param>
    /// <returns>How many they are.</returns>
    public nuint DiscardSparse(nuint enough)
    {
        nuint discarded = 0;
        bool hasMore = _first is not null;        // perhaps: of most classes there is none
        for (int looks = MostLooks; hasMore && looks > 0 && discarded < enough; looks--)
        {
            StepCounter.Count();
            using ArenaLock.Scope held = _lock.EnterScope();
            Slab* last = _lookedTo == 0 ? null : ListedAt(_lookedTo);
            Slab* slab = last is null ? _first : last->Next;
            hasMore = slab is not null;
            _lookedTo = hasMore ? slab->Start : 0;
            discarded += hasMore && IsSparse(slab) ? Slab.Discard(slab, _geometry, again: false) : 0;
        }

        return discarded;
    }

    /// <summary>The slab that starts at an address, if it is listed with those that have free blocks. Others may have changed that since
    /// the address was taken down.</summary>
    private Slab* ListedAt(nuint start)
    {
        _lock.AssertHeld();
        Slab* slab = _ended ? null : _space.SlabAt(start, _sizeClass);
        return slab is not null && slab->Start == start && slab->Free > 0 ? slab : null;
    }

    private bool IsSparse(Slab* slab) => (nuint)slab->Free * (nuint)BlockSize >= HeapSpace.PageSize;

    /// <summary>Where the slabs start that may have a page without blocks.</summary>
    private List<nuint> CopySparse()
    {
        List<nuint> starts = [];
        using (_lock.EnterScope())
        {
            for (Slab* slab = _first; slab is not null; slab = slab->Next)
            {
                if (IsSparse(slab))
                {
                    starts.Add(slab->Start);
                }
            }
        }

        return starts;
    }
}
