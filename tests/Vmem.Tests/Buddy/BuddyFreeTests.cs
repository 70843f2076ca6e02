using Vmem.Diagnostics;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Buddy;

public class BuddyFreeTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_wrong_free_says_what_is_wrong(bool audit)
    {
        BuddyAllocator<uint> allocator = new(100, 260, 4, 64, new BuddyAllocatorOptions { Audit = audit, Name = "files" });
        uint block = allocator.Allocate(20);
        uint other = allocator.Allocate(4);
        Assert.Equal(100u, block);
        Expect(InvalidFreeReason.NotAllocated, 99);
        Expect(InvalidFreeReason.NotAllocated, 360);
        Expect(InvalidFreeReason.InteriorAddress, block + 1);
        Expect(InvalidFreeReason.InteriorAddress, block + 16);
        Expect(InvalidFreeReason.AlreadyFree, block + 36);
        Expect(InvalidFreeReason.AlreadyFree, block + 37);
        Expect(InvalidFreeReason.AlreadyFree, 300);
        allocator.Free(block);
        Expect(InvalidFreeReason.AlreadyFree, block);
        allocator.Free(other);
        Expect(InvalidFreeReason.AlreadyFree, other);
        allocator.Validate();

        void Expect(InvalidFreeReason reason, uint start)
        {
            BuddyStatistics<uint> before = allocator.GetStatistics();
            var free = Assert.Throws<InvalidFreeException>(() => allocator.Free(start));
            Assert.Equal((reason, (UInt128)start, UInt128.Zero), (free.Reason, free.Start, free.Size));         // the call names no size
            Assert.Contains($"'files' was asked to free the block at {start}", free.Message, StringComparison.Ordinal);
            Assert.Equal(reason, Assert.Throws<InvalidFreeException>(() => allocator.GetBlockSize(start)).Reason);
            Assert.Equal(reason, Assert.Throws<InvalidFreeException>(() => allocator.TryResize(start, 4)).Reason);
            Assert.Equal(before, allocator.GetStatistics());
        }
    }

    /// <summary>Blocks of 64 units and more are kept on higher levels, where only every 64th unit has a cell.</summary>
    [Theory]
    [InlineData(32)]
    [InlineData(64)]
    [InlineData(128)]
    [InlineData(4_096)]
    [InlineData(8_192)]
    public void No_unit_inside_a_large_block_frees_it(uint size)
    {
        BuddyAllocator<uint> allocator = new(0, 1 << 14, 1, 1 << 14);
        uint left = allocator.Allocate(size);
        uint block = allocator.Allocate(size);
        allocator.Free(left);
        for (uint inside = block + 1; inside < block + size; inside++)
        {
            Assert.Equal(InvalidFreeReason.InteriorAddress, Assert.Throws<InvalidFreeException>(() => allocator.Free(inside)).Reason);
        }

        allocator.Free(block);
        allocator.Validate();
        Assert.Single(allocator.GetFragments());
    }

    /// <summary>A hundred thousand frees of anything: only those of live starts do anything.</summary>
    [Fact]
    public void Wrong_frees_in_a_storm_change_nothing()
    {
        SeededRandom random = new(11);
        BuddyAllocator<uint> allocator = new(5, 3_001, 2, 256);
        HashSet<uint> live = [];
        while (allocator.GetStatistics().Free > 1_000)
        {
            if (allocator.TryAllocate((uint)(1 + random.Below(40)), out uint start))
            {
                live.Add(start);
            }
        }

        BuddyFragment<uint>[] before = [.. allocator.GetFragments()];
        for (int i = 0; i < Night.Scaled(100_000); i++)
        {
            uint value = (uint)random.Below(3_020);
            if (live.Contains(value))
            {
                continue;
            }

            try
            {
                allocator.Free(value);
                Assert.Fail($"{value} was freed");
            }
            catch (InvalidFreeException)
            {
            }
        }

        allocator.Validate();
        Assert.Equal(before, allocator.GetFragments());
        foreach (uint start in live)
        {
            allocator.Free(start);
        }

        allocator.Validate();
        Assert.Equal(0u, allocator.GetStatistics().InUse);
    }

    /// <summary>GET_BUDDY of seed 004, in its own words, for blocks of every size at every place.</summary>
    [Fact]
    public void The_buddy_is_what_the_seed_says()
    {
        const uint arena = 12_345;
        BuddyAllocator<uint> allocator = new(arena, 1 << 12, 1, 1 << 12);
        for (int lg2size = 0; lg2size < 12; lg2size++)
        {
            for (uint fragment = arena; fragment < arena + (1 << 12); fragment += 1u << lg2size)
            {
                Assert.Equal(fragment, allocator.Allocate(1u << lg2size));
                uint expected = arena + ((fragment - arena) ^ (1u << lg2size));
                Assert.True(allocator.TryGetBuddy(fragment, out uint buddy));
                Assert.Equal(expected, buddy);
            }

            allocator.Reset();
            allocator.Validate();
        }

        Assert.False(allocator.TryGetBuddy(arena, out _));         // of the largest size
        Assert.False(allocator.TryGetBuddy(arena + 1, out _));     // no block starts there
    }

    [Fact]
    public void A_cut_block_may_have_no_buddy()
    {
        BuddyAllocator<uint> allocator = new(0, 96, 1, 128);
        Assert.False(allocator.TryGetBuddy(0, out _));
        Assert.False(allocator.TryGetBuddy(64, out _));
        Assert.True(allocator.TryAllocate(16, out uint start));
        Assert.Equal(64u, start);
        Assert.True(allocator.TryGetBuddy(64, out uint buddy));
        Assert.Equal(80u, buddy);
    }

    [Fact]
    public void A_block_grows_into_free_right_buddies_only_and_shrinks_in_place()
    {
        BuddyAllocator<uint> allocator = new(0, 4_096, 1, 4_096);
        uint block = allocator.Allocate(1);
        Assert.True(allocator.TryResize(block, 4_096));
        Assert.Equal(4_096u, allocator.GetBlockSize(block));
        Assert.True(allocator.TryResize(block, 3));
        Assert.Equal(4u, allocator.GetBlockSize(block));
        uint next = allocator.Allocate(4);
        Assert.Equal(4u, next);
        BuddyStatistics<uint> before = allocator.GetStatistics();
        Assert.False(allocator.TryResize(block, 5));       // the buddy is live
        Assert.False(allocator.TryResize(next, 8));        // would have to grow to the left
        Assert.False(allocator.TryResize(block, 5_000));
        Assert.Equal(before, allocator.GetStatistics());
        allocator.Free(next);
        Assert.True(allocator.TryResize(block, 64));
        allocator.Free(block);
        allocator.Validate();
        Assert.Single(allocator.GetFragments());
    }
}
