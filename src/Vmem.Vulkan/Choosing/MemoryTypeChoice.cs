using System.Numerics;
using Silk.NET.Vulkan;

namespace Vmem.Vulkan.Choosing;

/// <summary>Which memory type serves a use: the rules of Vulkan Memory Allocator's automatic usage.</summary>
/// <remarks>
/// <para>
/// A use becomes three sets of flags: required, preferred, and not preferred. Of the types that have all required ones, the one is taken
/// that misses the fewest preferred flags and has the fewest that are not; of equals the first, as drivers list the faster one first.
/// </para>
/// <para>
/// Drivers of AMD list types that are coherent on the device even if the feature deviceCoherentMemory is off. Memory of them must not be
/// allocated then (VUID-vkAllocateMemory-deviceCoherentMemory-02790). So they serve only where one of their flags is required. Types of
/// protected memory need no such rule: the driver allows them to protected resources only.
/// </para>
/// </remarks>
internal readonly record struct MemoryTypeChoice(MemoryPropertyFlags Required, MemoryPropertyFlags Preferred, MemoryPropertyFlags Unwanted)
{
    private const MemoryPropertyFlags AmdFlags = MemoryPropertyFlags.DeviceCoherentBitAmd | MemoryPropertyFlags.DeviceUncachedBitAmd;

    /// <summary>The flags of a use.</summary>
    /// <param name="use">The use.</param>
    /// <param name="isRead">Whether the device does more with the resource than copy it.</param>
    /// <param name="isIntegrated">Whether device and host have one memory.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such access or preference.</exception>
    public static MemoryTypeChoice Of(in GpuUse use, bool isRead, bool isIntegrated)
    {
        if (use.HostAccess is < HostAccess.None or > HostAccess.Read)
        {
            throw new ArgumentOutOfRangeException(nameof(use), use.HostAccess, "There is no such HostAccess.");
        }

        if (use.Preference is < GpuPreference.None or > GpuPreference.Host)
        {
            throw new ArgumentOutOfRangeException(nameof(use), use.Preference, "There is no such Preference.");
        }

        MemoryPropertyFlags required = 0;
        MemoryPropertyFlags preferred = 0;
        MemoryPropertyFlags unwanted = 0;
        bool mayStage = !isIntegrated && isRead && use.AllowsTransferInstead && use.Preference != GpuPreference.Host;
        switch (use.HostAccess)
        {
            case HostAccess.Read:
                preferred = MemoryPropertyFlags.HostCachedBit | (mayStage ? MemoryPropertyFlags.DeviceLocalBit : 0);
                required = mayStage ? 0 : MemoryPropertyFlags.HostVisibleBit;
                break;
            case HostAccess.Write when mayStage:
                unwanted = MemoryPropertyFlags.HostCachedBit;
                preferred = MemoryPropertyFlags.DeviceLocalBit | MemoryPropertyFlags.HostVisibleBit;
                break;
            case HostAccess.Write:
                unwanted = MemoryPropertyFlags.HostCachedBit;
                required = MemoryPropertyFlags.HostVisibleBit;
                bool isWithDevice = isRead ? use.Preference != GpuPreference.Host : use.Preference == GpuPreference.Device;
                preferred = isWithDevice ? MemoryPropertyFlags.DeviceLocalBit : 0;
                unwanted |= isWithDevice ? 0 : MemoryPropertyFlags.DeviceLocalBit;
                break;
            default:
                preferred = use.Preference == GpuPreference.Host ? 0 : MemoryPropertyFlags.DeviceLocalBit;
                unwanted = use.Preference == GpuPreference.Host ? MemoryPropertyFlags.DeviceLocalBit : 0;
                break;
        }

        required |= use.Required;
        preferred |= use.Preferred;
        unwanted |= AmdFlags & ~(required | preferred);
        return new MemoryTypeChoice(required, preferred, unwanted & ~use.Preferred);
    }

    /// <summary>The best of the types that are allowed.</summary>
    /// <returns>False if none has the required flags.</returns>
    public bool TryChoose(ReadOnlySpan<MemoryType> types, uint allowed, out int best)
    {
        best = -1;
        MemoryPropertyFlags forbidden = (Required & AmdFlags) == 0 ? AmdFlags : 0;
        int least = int.MaxValue;
        for (int i = 0; i < types.Length && least > 0; i++)
        {
            MemoryPropertyFlags flags = types[i].PropertyFlags;
            if ((allowed >> i & 1) == 0 || (Required & ~flags) != 0 || (flags & forbidden) != 0)
            {
                continue;
            }

            int cost = BitOperations.PopCount((uint)(Preferred & ~flags)) + BitOperations.PopCount((uint)(flags & Unwanted));
            if (cost < least)
            {
                least = cost;
                best = i;
            }
        }

        return best >= 0;
    }
}
