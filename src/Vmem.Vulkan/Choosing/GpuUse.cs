using System.Diagnostics;
using Silk.NET.Vulkan;

namespace Vmem.Vulkan;

/// <summary>What memory is for: it decides the memory type. The default value is memory of the device that the host never sees.</summary>
[DebuggerDisplay("{Name}, host: {HostAccess}, {Preference}")]
public readonly record struct GpuUse
{
    /// <summary>What the host does with it.</summary>
    public HostAccess HostAccess { get; init; }

    /// <summary>The host can do without a mapping, as the program then copies through a <see cref="StagingRing"/>: memory of the device is
    /// better than memory that the host sees. Look at <see cref="GpuAllocation.IsMapped"/>.</summary>
    public bool AllowsTransferInstead { get; init; }

    /// <summary>On which side it should lie.</summary>
    public GpuPreference Preference { get; init; }

    /// <summary>Flags that the memory type must have. Types that are coherent on a device of AMD serve only if one of their flags stands
    /// here: the feature deviceCoherentMemory must be enabled then.</summary>
    public MemoryPropertyFlags Required { get; init; }

    /// <summary>Flags that the memory type should have.</summary>
    public MemoryPropertyFlags Preferred { get; init; }

    /// <summary>A block of its own, even if the driver does not ask for it.</summary>
    public bool IsDedicated { get; init; }

    /// <summary>A name for dumps and leaks.</summary>
    public string? Name { get; init; }
}
