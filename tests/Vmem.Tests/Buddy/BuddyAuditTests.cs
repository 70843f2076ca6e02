using Vmem.Buddy;
using Vmem.Diagnostics;
using Xunit;

namespace Vmem.Tests.Buddy;

/// <summary>What an audited allocator keeps of each request, and how it finds that this is not so.</summary>
public class BuddyAuditTests
{
    [Fact]
    public void The_sum_is_that_of_the_live_requests()
    {
        BuddyAudit<uint> audit = new();
        Assert.Equal(UInt128.Zero, audit.Requested);
        audit.Note(4, 10);
        audit.Note(8, 20);
        Assert.Equal((UInt128)30, audit.Requested);
        audit.Note(8, 5);                         // resized
        Assert.Equal((UInt128)15, audit.Requested);
        audit.Forget(4);
        audit.Forget(4);
        Assert.Equal((UInt128)5, audit.Requested);
        audit.Clear();
        Assert.Equal(UInt128.Zero, audit.Requested);
        audit.Forget(8);
        Assert.Equal(UInt128.Zero, audit.Requested);
    }

    [Fact]
    public void A_block_that_the_audit_does_not_know_is_found_and_one_that_is_none()
    {
        BuddyTree tree = new(64, 6);
        BuddyAudit<uint> audit = new();
        audit.Validate(tree);
        Assert.True(tree.TryTake(2, out long unit));
        Assert.Equal("the audit knows every live block", Broken(audit, tree));
        audit.Note(unit, 3);
        audit.Validate(tree);
        audit.Note(unit + 4, 3);
        Assert.Equal("the audit knows every live block", Broken(audit, tree));
        audit.Forget(unit);
        Assert.Equal("what the audit knows is a live block", Broken(audit, tree));         // it is free
        audit.Forget(unit + 4);
        audit.Note(unit + 1, 3);
        Assert.Equal("what the audit knows is a live block", Broken(audit, tree));         // it begins elsewhere
        audit.Forget(unit + 1);
        audit.Note(64, 3);
        Assert.Equal("what the audit knows is a live block", Broken(audit, tree));         // there is no such unit
    }

    [Fact]
    public void An_audited_allocator_keeps_to_it_through_every_call()
    {
        BuddyAllocator<uint> allocator = new(0, 256, 4, 64, new BuddyAllocatorOptions { Audit = true });
        uint one = allocator.Allocate(5);
        Assert.True(allocator.TryAllocate(33, out uint two));
        Assert.False(allocator.TryAllocate(65, out uint none));
        Assert.Equal(0u, none);
        allocator.Validate();
        Assert.Equal(1 - (38 / 72.0), allocator.GetStatistics().LiveInternalWaste!.Value, 12);
        Assert.True(allocator.TryResize(two, 17));
        Assert.False(allocator.TryResize(two, 65));
        allocator.Validate();
        Assert.Equal(1 - (22 / 40.0), allocator.GetStatistics().LiveInternalWaste!.Value, 12);
        allocator.Free(one);
        allocator.Validate();
        Assert.Equal(1 - (17 / 32.0), allocator.GetStatistics().LiveInternalWaste!.Value, 12);
        allocator.Reset();
        allocator.Validate();
        Assert.Equal(0.0, allocator.GetStatistics().LiveInternalWaste);
    }

    private static string Broken(BuddyAudit<uint> audit, BuddyTree tree) =>
        Assert.Throws<InvariantViolationException>(() => audit.Validate(tree)).Invariant;
}
