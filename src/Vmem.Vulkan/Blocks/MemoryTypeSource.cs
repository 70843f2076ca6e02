using System.Numerics;
using Vmem.Vulkan.Calls;

namespace Vmem.Vulkan.Blocks;

/// <summary>Where the arena of a memory type gets its spans from: blocks of the device.</summary>
/// <remarks>
/// The sizes are those of Vulkan Memory Allocator. The first blocks are an eighth, a quarter and a half of the full size, as long as two
/// such requests would fit: a small program takes little. If the device has no room for a block, the half is tried, and the half of that,
/// as long as the request fits.
/// </remarks>
internal sealed class MemoryTypeSource(GpuDevice device, int type, ulong quantum, ulong blockSize) : IArenaSource<ulong>
{
    // VMA's figure, too: 256 MiB begin as 32.
    private const int MaxHalvings = 3;

    public BlockTable Blocks { get; } = new();

    public ulong Quantum => quantum;

    /// <summary>The size of a block in the long run, in bytes.</summary>
    public ulong BlockSize => blockSize;

    public bool TryImport(ulong size, in RangeConstraints<ulong> constraints, out ulong start, out ulong imported)
    {
        imported = 0;
        start = 0;
        bool isAnywhere = constraints is { Min: 0, Max: 0, Phase: 0, NoCross: 0 }
            && (constraints.Align == 0 || BlockTable.Stride % constraints.Align == 0);
        if (size > blockSize || !isAnywhere)
        {
            return false;                         // what is larger gets a block of its own, and nobody here asks for a place
        }

        MemoryBlock? block = Blocks.Add(() => Take(size), out start);
        imported = block?.Size ?? 0;
        return block is not null;
    }

    public void Release(ulong start, ulong size) => device.Free(Blocks.Remove(start));

    private MemoryBlock? Take(ulong size)
    {
        ulong largest = Blocks.All.Select(item => item.Block.Size).DefaultIfEmpty().Max();
        ulong candidate = blockSize;
        int halvings = 0;
        while (halvings < MaxHalvings && Half(candidate) > largest && Half(candidate) >= size * 2)
        {
            candidate = Half(candidate);
            halvings++;
        }

        MemoryBlock? block;
        while (!device.TryAllocate(type, candidate, default, default, out block)
            && halvings++ < MaxHalvings && Half(candidate) >= size)
        {
            candidate = Half(candidate);
        }

        return block;
    }

    private ulong Half(ulong size) => BitOperations.IsPow2(quantum) ? size / 2 & ~(quantum - 1) : size / 2 / quantum * quantum;
}
