using Silk.NET.Vulkan;

namespace Vmem.Vulkan.Tests.Drivers;

/// <summary>What bufferImageGranularity asks: in each block, a page holds one kind of resource.</summary>
internal static class KindPages
{
    public static void Check(IEnumerable<GpuAllocation> live, ulong pageSize)
    {
        foreach (IGrouping<DeviceMemory, GpuAllocation> block in live.Where(one => !one.IsDedicated).GroupBy(one => one.Memory))
        {
            Dictionary<ulong, GpuResourceKind> pages = [];
            foreach (GpuAllocation allocation in block)
            {
                ulong last = (allocation.Offset + allocation.Size - 1) / pageSize;
                for (ulong page = allocation.Offset / pageSize; page <= last; page++)
                {
                    Assert.True(pages.TryAdd(page, allocation.Kind) || pages[page] == allocation.Kind, $"page {page} has both kinds");
                }
            }
        }
    }
}
