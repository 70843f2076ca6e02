namespace Vmem.Diagnostics;

/// <summary>What is measured of an object cache. The levels come first, then the counts, from <see cref="Constructed"/> on.</summary>
internal enum ObjectCacheFigure
{
    Rented,
    Cached,
    Constructed,
    Destructed,
    Rents,
    UpkeepFailures,
}
