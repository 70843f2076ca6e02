namespace Vmem.Vulkan;

/// <summary>What the host does with the memory of a resource.</summary>
public enum HostAccess
{
    /// <summary>Nothing: the device copies whatever goes in or out.</summary>
    None,

    /// <summary>It writes, in order, and never reads: uploads, constants of a frame. Memory that is slow to read is welcome.</summary>
    Write,

    /// <summary>It reads, or writes anywhere: results that are read back. Cached memory is wanted.</summary>
    Read,
}

/// <summary>On which side memory should lie where either would do.</summary>
public enum GpuPreference
{
    /// <summary>Where it fits the access best.</summary>
    None,

    /// <summary>On the device.</summary>
    Device,

    /// <summary>With the host: to spare the device's memory.</summary>
    Host,
}
