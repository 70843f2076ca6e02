using Silk.NET.Vulkan;
using Vmem.Vulkan.Calls;

namespace Vmem.Vulkan.Blocks;

/// <summary>The memory of one type: an arena whose spans are blocks of the device.</summary>
internal sealed class MemoryTypePool : IDisposable
{
    // What most drivers ask of buffers. Any such request is then met in O(1): only a larger alignment is a constraint. Fewer bytes would
    // save some memory for resources smaller than this, which are rare, and cost a search for all others.
    private const ulong LeastQuantum = 256;

    // VMA's figures: an eighth of a small heap, else 256 MiB.
    private const ulong SmallHeap = 1UL << 30;
    private const ulong LargeHeapBlock = 256UL << 20;
    private const ulong SmallHeapShare = 8;

    private readonly MemoryTypeSource _source;
    private readonly ulong _quantum;
    private readonly bool _hasKinds;

    public MemoryTypePool(string name, GpuDevice device, int type, ulong blockSize, ulong granularity, FitPolicy policy)
    {
        Type = type;
        Flags = device.Types[type].PropertyFlags;
        ulong quantum = device.NeedsFlush(type) ? ulong.Max(LeastQuantum, device.Properties.Limits.NonCoherentAtomSize) : LeastQuantum;
        _quantum = quantum;
        ulong heap = device.Heaps[device.Types[type].HeapIndex].Size;
        ulong size = blockSize > 0 ? blockSize : heap <= SmallHeap ? heap / SmallHeapShare : LargeHeapBlock;
        size = ulong.Max(ulong.Min(size, ulong.Min(device.MaxAllocationSize, BlockTable.Stride - quantum)) / quantum, 1) * quantum;
        _source = new MemoryTypeSource(device, type, quantum, size);
        _hasKinds = granularity > quantum;        // else each range has pages of its own anyway
        Arena = new Arena<ulong>($"{name}, type {type}", quantum, new ArenaOptions<ulong>
        {
            Policy = policy,
            Source = _source,
            SharesSource = false,
            KindGranularity = _hasKinds ? granularity : 0,
        });
    }

    public int Type { get; }

    public MemoryPropertyFlags Flags { get; }

    public Arena<ulong> Arena { get; }

    public BlockTable Blocks => _source.Blocks;

    public ulong BlockSize => _source.BlockSize;

    public bool TryAllocate(ulong size, ulong align, GpuResourceKind kind, out ulong address)
    {
        address = 0;
        if (size > BlockSize)
        {
            return false;
        }

        // Without a constraint it takes O(1).
        return align <= _quantum && !_hasKinds
            ? Arena.TryAllocate(size, out address)
            : Arena.TryAllocateConstrained(size, new RangeConstraints<ulong>
            {
                Align = align > _quantum ? align : 0,
                Kind = _hasKinds ? (int)kind : 0,
            }, out address);
    }

    public void Dispose() => Arena.Dispose();
}
