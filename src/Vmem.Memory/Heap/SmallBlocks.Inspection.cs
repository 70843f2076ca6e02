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

            HeapSizeClass one = Count(slabs, out long taken);
            figures = figures with
            {
                Held = figures.Held + one.Held,
                InUse = figures.InUse + ((nuint)one.LiveBlocks * one.BlockSize),
                Cached = figures.Cached + ((nuint)one.CachedBlocks * one.BlockSize),
                LiveBlocks = figures.LiveBlocks + one.LiveBlocks,
                Slabs = figures.Slabs + one.Slabs,
                Allocations = figures.Allocations + taken,
            };
        }

        figures = figures with { Allocations = figures.Allocations + Interlocked.Read(ref _taken) };
    }

    /// <summary>The classes that have slabs, the shortest blocks first. Threads at work stand still meanwhile.</summary>
    public List<HeapSizeClass> CountClasses()
    {
        List<HeapSizeClass> counted = new(Classes.Length);        // no memory is needed while they stand
        using var claim = new Claim(Magazines);
        foreach (SlabClass? slabs in Classes)
        {
            if (slabs is not null && Count(slabs, out _) is { Slabs: > 0 } one)
            {
                counted.Add(one);
            }
        }

        return counted;
    }

    private HeapSizeClass Count(SlabClass slabs, out long taken)
    {
        (long count, nuint bytes, long blocksOut, int inDepot) = slabs.Count();
        (long inMagazines, taken) = Magazines.Count(slabs.SizeClass);
        long ready = inMagazines + inDepot;
        long withUsers = Math.Max(blocksOut - ready, 0);          // what was freed twice is in two places
        return new HeapSizeClass((nuint)SizeClasses.SizeOf(slabs.SizeClass), count, bytes, withUsers, ready);
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
