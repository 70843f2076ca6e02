using System.Diagnostics;

namespace Vmem.Extensions.Hosting;

/// <summary>From when on an arena is not well.</summary>
[DebuggerDisplay("waiters older than {WaitersOlderThan}, fragmentation above {FragmentationAbove}")]
public sealed class VmemHealthOptions
{
    /// <summary>The names of the arenas that are looked at; empty, the default: all of the process, but for those that others import from,
    /// whose room is with these, and those for one thread, as that of a memory context.</summary>
    /// <remarks>Name the arenas that the process cannot do without. One that is named and exhausted makes it unhealthy, and one that is
    /// named and not there makes it degraded. Of those that nobody named an exhausted one makes it degraded only: it may be full by
    /// design.</remarks>
    public ISet<string> Arenas { get; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>A request that waits for longer makes it degraded. 30 seconds by default.</summary>
    public TimeSpan WaitersOlderThan { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Fragmentation above this makes it degraded, if less than half of the arena is free. 0.95 by default; 1: never.</summary>
    public double FragmentationAbove { get; set; } = 0.95;
}
