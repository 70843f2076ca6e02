using Vmem.Vulkan.Blocks;
using Vmem.Vulkan.Calls;
using Vmem.Vulkan.Memory;

namespace Vmem.Vulkan;

// Looking at the memory.
public sealed partial class GpuMemory
{
    /// <summary>What may be used of each heap, and what is. Asks the driver, if it says.</summary>
    /// <returns>A line for each heap.</returns>
    public IReadOnlyList<GpuHeapBudget> GetBudgets()
    {
        var budgets = new GpuHeapBudget[Device.Heaps.Length];
        for (int heap = 0; heap < budgets.Length; heap++)
        {
            (ulong budget, ulong usage) = Device.BudgetOf(heap);
            budgets[heap] = new GpuHeapBudget(heap, Device.Heaps[heap].Size, budget, usage, Device.HeapBytes(heap));
        }

        return budgets;
    }

    /// <summary>The figures of each memory type.</summary>
    /// <returns>A line for each type.</returns>
    /// <exception cref="ObjectDisposedException">The memory was disposed of.</exception>
    /// <remarks>O(n): all ranges are looked at. Safe while others allocate; each arena is shown as it is passed. The figures of an arena
    /// alone, in O(1), are on the meter "Vmem".</remarks>
    public IReadOnlyList<GpuTypeStatistics> GetStatistics()
    {
        var statistics = new GpuTypeStatistics[_pools.Length];
        foreach (MemoryTypePool pool in _pools)
        {
            ref GpuTypeStatistics type = ref statistics[pool.Type];
            type = new GpuTypeStatistics
            {
                MemoryTypeIndex = pool.Type,
                HeapIndex = (int)Device.Types[pool.Type].HeapIndex,
                Flags = pool.Flags,
            };
            foreach (Segment<ulong> segment in pool.Arena.GetSegments())
            {
                type = type.With(segment);
            }
        }

        foreach (GpuAllocation allocation in _live.ToList().Where(allocation => allocation.IsDedicated))
        {
            ref GpuTypeStatistics type = ref statistics[allocation.MemoryTypeIndex];
            type = type.WithBlock(allocation.Size).WithAllocation(allocation.Size);
        }

        foreach (MemoryBlock block in _retired.ListBlocks())
        {
            ref GpuTypeStatistics type = ref statistics[block.Type];
            type = type.WithBlock(block.Size) with { RestingBytes = type.RestingBytes + block.Size };
        }

        return statistics;
    }

    /// <summary>Writes the memory as Vulkan Memory Allocator writes its own (vmaBuildStatsString with a detailed map), so that the tools
    /// for that, and <c>vmem map</c>, show it.</summary>
    /// <param name="stream">Gets JSON in UTF-8; it stays open.</param>
    /// <exception cref="ObjectDisposedException">The memory was disposed of.</exception>
    /// <remarks>What rests has the type <c>RETIRED</c>, which VMA does not have.</remarks>
    public void WriteJson(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        new GpuDump(this).Write(stream);
    }

    /// <summary>Checks every invariant of the arenas.</summary>
    /// <exception cref="InvariantViolationException">One does not hold.</exception>
    public void Validate()
    {
        foreach (MemoryTypePool pool in _pools)
        {
            pool.Arena.Validate();
        }
    }
}
