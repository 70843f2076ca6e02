using System.Diagnostics;

namespace Vmem;

/// <summary>A buddy allocator of any integer type, as <see cref="VmemProcess.Buddies"/> lists it.</summary>
/// <remarks>All amounts are 128 bits wide, which hold those of every type. A view keeps its allocator alive.</remarks>
[DebuggerDisplay("{ToString(),nq}")]
public abstract class BuddyView
{
    private protected BuddyView()
    {
    }

    /// <summary>The allocator, a <see cref="BuddyAllocator{T}"/>.</summary>
    public abstract object Allocator { get; }

    /// <summary>The allocator's name.</summary>
    public abstract string Name { get; }

    /// <summary>1 for the first allocator of a name that was looked at or measured, 2 for the next, and so on.</summary>
    public abstract int Instance { get; }

    /// <summary>The allocator's integer type.</summary>
    public abstract Type ValueType { get; }

    /// <summary>What the allocator holds and has done: see <see cref="BuddyAllocator{T}.GetStatistics"/>. O(1). One that is single-threaded
    /// is read while it works: the figures may be of different moments.</summary>
    /// <returns>The figures.</returns>
    public abstract BuddyStatistics<UInt128> GetStatistics();

    /// <summary>The allocator in a line.</summary>
    /// <returns>Its name, type, size and use.</returns>
    public override string ToString()
    {
        BuddyStatistics<UInt128> figures = GetStatistics();
        return $"{Name}: {figures.InUse} of {figures.TotalSize} in use ({ValueType.Name})";
    }
}
