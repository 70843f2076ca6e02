namespace Vmem.Memory.Isolation;

/// <summary>The records of regions that no client holds, by what they can describe: a client that comes and goes makes no garbage.</summary>
internal sealed class RegionPool(ContextGeometry geometry, bool rememberSizes)
{
    private readonly Stack<Region>[] _divided = [.. Enumerable.Range(0, ContextGeometry.RegionClasses).Select(_ => new Stack<Region>())];
    private readonly Stack<Region> _large = new();

    /// <summary>Bytes of all records that exist, in use or not.</summary>
    public long BookkeepingBytes { get; private set; }

    public Region TakeDivided(int regionClass) =>
        _divided[regionClass].TryPop(out Region? region)
            ? region
            : Made(new Region(1 << (regionClass + geometry.GranuleShift - geometry.UnitShift), regionClass, rememberSizes));

    public Region TakeLarge() => _large.TryPop(out Region? region) ? region : Made(new Region(0, 0, rememberSizes));

    public void Return(Region region) => (region.IsLarge ? _large : _divided[region.Class]).Push(region);

    /// <summary>Leaves the records to the garbage collector.</summary>
    public void Clear()
    {
        foreach (Stack<Region> stack in _divided.Append(_large))
        {
            while (stack.TryPop(out Region? region))
            {
                BookkeepingBytes -= region.BookkeepingBytes;
            }
        }
    }

    private Region Made(Region region)
    {
        BookkeepingBytes += region.BookkeepingBytes;
        return region;
    }
}
