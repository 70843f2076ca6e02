using Vmem.Diagnostics;
using Xunit;

namespace Vmem.Tests.Buddy;

public class BuddyStatisticsTests
{
    [Fact]
    public void Waste_inside_is_of_all_that_was_ever_granted_and_with_an_audit_of_what_is_live()
    {
        BuddyAllocator<uint> plain = new(0, 1_024, 16, 1_024);
        BuddyAllocator<uint> audited = new(0, 1_024, 16, 1_024, new BuddyAllocatorOptions { Audit = true });
        Assert.Equal(0, plain.GetStatistics().InternalWaste);
        Assert.Equal(0, audited.GetStatistics().LiveInternalWaste);
        foreach (BuddyAllocator<uint> allocator in (BuddyAllocator<uint>[])[plain, audited])
        {
            allocator.Allocate(12);                        // 16
            uint start = allocator.Allocate(33);           // 64
            allocator.Free(start);
            Assert.Equal(1 - (45 / 80.0), allocator.GetStatistics().InternalWaste, 12);
        }

        Assert.Null(plain.GetStatistics().LiveInternalWaste);
        Assert.Equal(0.25, audited.GetStatistics().LiveInternalWaste!.Value, 12);
        Assert.True(audited.TryResize(0, 20));             // 32
        Assert.Equal(1 - (20 / 32.0), audited.GetStatistics().LiveInternalWaste!.Value, 12);
        Assert.Equal(1 - (65 / 112.0), audited.GetStatistics().InternalWaste, 12);
        audited.Reset();
        Assert.Equal(0, audited.GetStatistics().LiveInternalWaste);
        audited.Validate();
    }

    [Fact]
    public void Waste_outside_is_what_the_largest_request_cannot_get()
    {
        BuddyAllocator<uint> allocator = new(0, 64, 8, 64);
        Assert.Equal(0, allocator.GetStatistics().ExternalWaste);
        allocator.Allocate(8);
        Assert.Equal(1 - (32 / 56.0), allocator.GetStatistics().ExternalWaste, 12);
        allocator.Allocate(8);
        allocator.Allocate(16);
        allocator.Allocate(32);
        Assert.Equal(
            (0u, 0u, 0.0),
            (allocator.GetStatistics().Free, allocator.GetStatistics().LargestFree, allocator.GetStatistics().ExternalWaste));
    }

    [Fact]
    public void Reset_gives_everything_back_and_keeps_the_counts()
    {
        BuddyAllocator<uint> allocator = new(3, 1_000, 1, 256);
        BuddyFragment<uint>[] fresh = [.. allocator.GetFragments()];
        for (int i = 0; i < 50; i++)
        {
            allocator.Allocate(5);
        }

        allocator.Reset();
        allocator.Validate();
        Assert.Equal(fresh, allocator.GetFragments());
        BuddyStatistics<uint> figures = allocator.GetStatistics();
        Assert.Equal((50L, 50L, 0L, 400u, 0u), (figures.Allocations, figures.Frees, figures.LiveBlocks, figures.PeakInUse, figures.InUse));
    }

    [Fact]
    public void A_fragment_knows_its_owner_and_the_owner_its_fragments()
    {
        BuddyAllocator<uint> one = new(0, 100, 1, 64, new BuddyAllocatorOptions { Name = "one" });
        BuddyAllocator<uint> two = new(0, 100, 1, 64);
        Assert.True(one.TryGetFragment(70, out BuddyFragment<uint> fragment));
        Assert.Same(one, fragment.Owner);
        Assert.Equal((64u, 32u, false), (fragment.Start, fragment.Size, fragment.IsAllocated));
        Assert.All(two.GetFragments(), part => Assert.Same(two, part.Owner));
        Assert.Equal(("one", "buddy", 0u, 100u, 1u, 64u), (one.Name, two.Name, one.Start, one.Size, one.MinBlock, one.MaxBlock));
    }

    /// <summary>What changes between two batches of an enumeration: each value is reported once all the same.</summary>
    [Fact]
    public void An_enumeration_reports_each_value_once_whatever_happens_meanwhile()
    {
        BuddyAllocator<uint> allocator = new(10, 4_096, 1, 4_096);
        uint[] starts = [.. Enumerable.Range(0, 4_096).Select(_ => allocator.Allocate(1))];
        uint next = 10;
        foreach (BuddyFragment<uint> fragment in allocator.GetFragments())
        {
            Assert.Equal(next, fragment.Start);
            next += fragment.Size;
            if (next == 10 + 200)
            {
                Array.ForEach(starts, allocator.Free);
            }
        }

        Assert.Equal(10u + 4_096, next);
    }
}
