using Vmem.Diagnostics;
using Vmem.Lending;
using Xunit;

namespace Vmem.Tests.Buddy;

/// <summary>What a buddy allocator says at its edges: of failures, wrong frees and its own figures.</summary>
public class BuddyWordsTests
{
    /// <summary>Half of eight blocks of 8 are free, no two together.</summary>
    [Theory]
    [InlineData(64u, FitFailure.NotEnoughFree, "Only 32 is free")]
    [InlineData(32u, FitFailure.Fragmented, "32 is free, but in blocks of at most 8")]
    public void A_failure_of_just_this_size_says_why(uint size, FitFailure failure, string words)
    {
        BuddyAllocator<uint> allocator = new(0, 64, 8, 64);
        uint[] starts = [.. Enumerable.Range(0, 8).Select(_ => allocator.Allocate(8))];
        for (int i = 0; i < starts.Length; i += 2)
        {
            allocator.Free(starts[i]);
        }

        Assert.Equal(8u, allocator.GetStatistics().LargestFree);
        ArenaExhaustedException failed = Assert.Throws<ArenaExhaustedException>(() => allocator.Allocate(size));
        Assert.Equal((failure, (UInt128)8), (failed.Failure, failed.LargestFree));
        Assert.Contains(words, failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_largest_free_block_is_told_or_that_there_is_none()
    {
        BuddyAllocator<ulong> allocator = new(0, 8, 1, 8);
        Assert.Equal(0ul, allocator.Allocate(4));
        ArenaExhaustedException failed = Assert.Throws<ArenaExhaustedException>(() => allocator.Allocate(8));
        Assert.Equal(((UInt128)4, (UInt128)4), (failed.Free, failed.LargestFree));
        Assert.Equal(4ul, allocator.Allocate(4));
        failed = Assert.Throws<ArenaExhaustedException>(() => allocator.Allocate(1));
        Assert.Equal((UInt128.Zero, UInt128.Zero, FitFailure.NotEnoughFree), (failed.Free, failed.LargestFree, failed.Failure));
        Assert.Equal(0ul, allocator.GetStatistics().LargestFree);
    }

    /// <summary>Whichever way the bits of the start and of the value would add up.</summary>
    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(2u)]
    [InlineData(3u)]
    public void No_value_inside_the_smallest_block_frees_it(uint start)
    {
        BuddyAllocator<uint> allocator = new(start, 16, 4, 16);
        Assert.Equal(start, allocator.Allocate(4));
        for (uint inside = start + 1; inside < start + 4; inside++)
        {
            Assert.Equal(InvalidFreeReason.InteriorAddress, Assert.Throws<InvalidFreeException>(() => allocator.Free(inside)).Reason);
        }

        Assert.True(allocator.IsAllocated(start));
        allocator.Free(start);
        allocator.Validate();
    }

    [Theory]
    [InlineData(9u, "9 is outside its range.")]
    [InlineData(77u, "77 is outside its range.")]
    [InlineData(76u, "76 is in the end of the range that is smaller than a block.")]
    [InlineData(74u, "74 is in the end of the range that is smaller than a block.")]
    public void A_value_of_no_block_is_outside_or_in_the_end(uint value, string words)
    {
        BuddyAllocator<uint> allocator = new(10, 67, 4, 32);
        Assert.Contains(words, Assert.Throws<InvalidFreeException>(() => allocator.Free(value)).Message, StringComparison.Ordinal);
        Assert.False(allocator.TryGetBuddy(value, out uint buddy));
        Assert.Equal(0u, buddy);
    }

    /// <summary>An allocator that was listened to is audited as before.</summary>
    [Fact]
    public void An_audit_goes_on_when_nobody_listens_any_more()
    {
        BuddyAllocator<uint> allocator = new(0, 64, 8, 64, new BuddyAllocatorOptions { Audit = true });
        INotifyingArenaSource<uint> source = allocator;
        Action listener = static () => { };
        source.Subscribe(listener);
        source.Unsubscribe(listener);
        allocator.Free(allocator.Allocate(5));
        allocator.Validate();
    }

    [Fact]
    public void A_block_that_was_taken_past_the_audit_is_found()
    {
        BuddyAllocator<uint> allocator = new(0, 64, 8, 64, new BuddyAllocatorOptions { Audit = true });
        Assert.True(allocator.Tree.TryTake(0, out _));
        Assert.Equal("the audit knows every live block", Assert.Throws<InvariantViolationException>(allocator.Validate).Invariant);
    }

    [Fact]
    public void It_borrows_nothing_and_its_view_is_a_line()
    {
        BuddyAllocator<ushort> allocator = new(0, 1_024, 16, 512, new BuddyAllocatorOptions { Name = "buddy in a line" });
        Assert.False(((IBorrower)allocator).GiveBack(null!));
        _ = allocator.Allocate(100);
        BuddyView view = Assert.Single(VmemProcess.Buddies, static view => view.Name == "buddy in a line");
        Assert.Equal("buddy in a line: 128 of 1024 in use (UInt16)", view.ToString());
    }
}
