namespace Vmem.Memory.Isolation;

/// <summary>The records of regions that no client holds, by what they can describe: a client that comes and goes makes no
/// garbage.</summary>
internal sealed class RegionPool(ContextGeometry geometry, bool rememberSizes)
{
    // By region class; the last one is for large blocks.
    private readonly Stack<Region>[] _stacks = [.. Enumerable.Range(0, ContextGeometry.RegionClasses + 1).Select(_ => new Stack<Region>())];
    private readonly int[] _records = new int[ContextGeometry.RegionClasses + 1];

    /// <summary>Bytes of all records that exist, in use or not.</summary>
    public long BookkeepingBytes { get; private set; }

    public Region TakeDivided(int regionClass) =>
        _stacks[regionClass].TryPop(out Region? region)
            ? region
            : Made(new Region(1 << (regionClass + geometry.GranuleUnitShift), regionClass, rememberSizes));

    public Region TakeLarge() =>
        _stacks[ContextGeometry.RegionClasses].TryPop(out Region? region)
            ? region
            : Made(new Region(0, ContextGeometry.RegionClasses, rememberSizes));

    /// <summary>Needs no memory.</summary>
    public void Return(Region region) => _stacks[region.Class].Push(region);

    /// <summary>Leaves the records to the garbage collector.</summary>
    public void Clear()
    {
        foreach (Stack<Region> stack in _stacks)
        {
            while (stack.TryPop(out Region? region))
            {
                _records[region.Class]--;
                BookkeepingBytes -= region.BookkeepingBytes;
            }
        }
    }

    private Region Made(Region region)
    {
        _ = _stacks[region.Class].EnsureCapacity(++_records[region.Class]);
        BookkeepingBytes += region.BookkeepingBytes;
        return region;
    }
}
