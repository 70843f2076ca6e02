namespace Vmem.Memory.Heap;

// What threads, depots and slabs hold, and that they agree.
internal sealed partial class SmallBlocks
{
    /// <summary>The bytes of all slabs.</summary>
    public nuint CountHeld()
    {
        nuint held = 0;
        foreach (SlabClass? slabs in Classes)
        {
            held += slabs?.Count().Bytes ?? 0;
        }

        return held;
    }

    /// <summary>Adds the figures of all classes. Threads at work stand still meanwhile.</summary>
    public void Count(ref NativeHeapStatistics figures)
    {
        using var claim = new Claim(Magazines);
        foreach (SlabClass? slabs in Classes)
        {
            if (slabs is null)
            {
                continue;
            }

            (long count, nuint bytes, long blocksOut, int inDepot) = slabs.Count();
            (long inMagazines, long taken) = Magazines.Count(slabs.SizeClass);
            long ready = inMagazines + inDepot;
            long withUsers = Math.Max(blocksOut - ready, 0);      // what was freed twice is in two places
            nuint size = (nuint)SizeClasses.SizeOf(slabs.SizeClass);
            figures = figures with
            {
                Held = figures.Held + bytes,
                InUse = figures.InUse + ((nuint)withUsers * size),
                Cached = figures.Cached + ((nuint)ready * size),
                LiveBlocks = figures.LiveBlocks + withUsers,
                Slabs = figures.Slabs + count,
                Allocations = figures.Allocations + taken,
            };
        }

        figures = figures with { Allocations = figures.Allocations + Interlocked.Read(ref _taken) };
    }

    /// <summary>Checks the invariants of all classes. O(blocks). Threads at work stand still meanwhile.</summary>
    public void Validate()
    {
        var cached = new List<nuint>();
        using var claim = new Claim(Magazines);
        foreach (SlabClass? slabs in Classes)
        {
            if (slabs is null)
            {
                continue;
            }

            cached.Clear();
            Magazines.CopyTo(slabs.SizeClass, cached);
            slabs.Validate(cached);
        }
    }
}
