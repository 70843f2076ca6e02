using System.Numerics;
using Vmem.Diagnostics;

namespace Vmem.Buddy;

/// <summary>A buddy allocator as the process lists it, without its type.</summary>
internal sealed class BuddyView<T>(BuddyAllocator<T> allocator, MeteredEntry entry) : BuddyView
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <inheritdoc/>
    public override object Allocator => allocator;

    /// <inheritdoc/>
    public override string Name => allocator.Name;

    /// <inheritdoc/>
    public override int Instance => BuddyMetrics.Allocators.InstanceOf(entry, allocator.Name);

    /// <inheritdoc/>
    public override Type ValueType => typeof(T);

    /// <inheritdoc/>
    public override BuddyStatistics<UInt128> GetStatistics()
    {
        BuddyStatistics<T> figures = allocator.GetStatistics();
        return new BuddyStatistics<UInt128>
        {
            TotalSize = Wide(figures.TotalSize),
            InUse = Wide(figures.InUse),
            Free = Wide(figures.Free),
            Unusable = Wide(figures.Unusable),
            LargestFree = Wide(figures.LargestFree),
            PeakInUse = Wide(figures.PeakInUse),
            Allocations = figures.Allocations,
            Frees = figures.Frees,
            Failures = figures.Failures,
            LiveBlocks = figures.LiveBlocks,
            FreeBlocks = figures.FreeBlocks,
            BookkeepingBytes = figures.BookkeepingBytes,
            InternalWaste = figures.InternalWaste,
            LiveInternalWaste = figures.LiveInternalWaste,
        };
    }

    private static UInt128 Wide(T value) => UInt128.CreateTruncating(value);
}
