using System.Diagnostics;
using Vmem.Diagnostics;

namespace Vmem;

/// <summary>How a buddy allocator behaves; fixed when it is made.</summary>
[DebuggerDisplay("{Name,nq}")]
public sealed record BuddyAllocatorOptions
{
    /// <summary>A name for messages.</summary>
    public string Name { get; init; } = "buddy";

    /// <summary>The caller promises that one thread at a time uses the allocator: no lock is taken.</summary>
    public bool SingleThreaded { get; init; }

    /// <summary>Keeps for every live block the size that was asked for, so that <see cref="BuddyStatistics{T}.LiveInternalWaste"/> is
    /// known; and looks at the guard keys around the bookkeeping at every free, as Debug builds of the library do anyway.</summary>
    /// <remarks>Costs a hash table entry for each live block.</remarks>
    public bool Audit { get; init; }
}
