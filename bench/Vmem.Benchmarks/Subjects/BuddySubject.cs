using System.Globalization;
using System.Numerics;

namespace Vmem.Benchmarks.Subjects;

/// <summary>A buddy allocator whose minimum block is 1, with or without its own lock.</summary>
/// <param name="Locking">Whether it takes its lock.</param>
/// <param name="LargestBlock">Its largest block; 0: the largest power of two in the range, so that a fresh allocator splits its way down
/// from the whole and coalesces back to it.</param>
internal sealed record BuddySubject(Locking Locking, ulong LargestBlock = 0) : ISubject
{
    public string Key => string.Create(
        CultureInfo.InvariantCulture,
        $"buddy{(LargestBlock == 0 ? "" : $" to {LargestBlock}")}/{Locking}").ToLowerInvariant();

    public TResult Run<TResult>(IExperiment<TResult> experiment)
        => experiment.Run<BuddyTarget, AddressTicket>(capacity => new BuddyTarget(Make(capacity)));

    /// <summary>The allocator over <c>[0, capacity)</c>.</summary>
    public BuddyAllocator<ulong> Make(ulong capacity)
    {
        ulong largest = LargestBlock == 0 ? 1UL << BitOperations.Log2(capacity) : LargestBlock;
        return new BuddyAllocator<ulong>(0, capacity, 1, largest, new BuddyAllocatorOptions { SingleThreaded = Locking == Locking.Single });
    }
}
