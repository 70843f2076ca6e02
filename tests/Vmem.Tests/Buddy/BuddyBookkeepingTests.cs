using Vmem.Buddy;
using Vmem.Diagnostics;
using Vmem.Testing.Generation;
using Vmem.Testing.Internals;
using Xunit;

namespace Vmem.Tests.Buddy;

/// <summary>How large the bookkeeping is, how it notices that it was overwritten, and that no call makes garbage.</summary>
public class BuddyBookkeepingTests
{
    /// <summary>The constant: what seven levels of a handful of groups take.</summary>
    private const int ConstantBytes = 640;

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(4_096)]
    [InlineData(4_097)]
    [InlineData(262_144)]
    [InlineData(262_145)]
    [InlineData(10_000_000)]
    [InlineData(16_777_217)]
    public void It_takes_at_most_two_bits_a_block_and_a_constant(long units)
    {
        foreach (int maxOrder in (int[])[0, 1, 5, 6, 12, 13, 24])
        {
            BuddyAllocator<ulong> allocator = new(7, ((ulong)units * 16) + 5, 16, 16ul << maxOrder);
            long bytes = allocator.GetStatistics().BookkeepingBytes;
            Assert.True(bytes <= (units / 4) + ConstantBytes, $"{bytes} bytes for {units} blocks, largest order {maxOrder}");
            Assert.True(units < 1_000_000 || bytes * 8 < units * 1.63, $"{bytes * 8.0 / units} bits a block");
        }
    }

    [Fact]
    public void An_overwritten_guard_key_is_found_by_Validate_and_by_an_audited_free()
    {
        foreach (bool first in (bool[])[true, false])
        {
            BuddyAllocator<uint> allocator = new(0, 4_096, 4, 4_096, new BuddyAllocatorOptions { Audit = true });
            uint start = allocator.Allocate(10);
            BuddyStatistics<uint> before = allocator.GetStatistics();
            ref ulong key = ref allocator.Tree.Bookkeeping[first ? 0 : ^1];
            key ^= 1ul << 40;
            Assert.Contains("guard keys", Assert.Throws<InvariantViolationException>(allocator.Validate).Invariant, StringComparison.Ordinal);
            Assert.Equal(InvalidFreeReason.Corrupted, Assert.Throws<InvalidFreeException>(() => allocator.Free(start)).Reason);
            Assert.Equal(before, allocator.GetStatistics());
            key ^= 1ul << 40;
            allocator.Validate();
            allocator.Free(start);
        }
    }

    /// <summary>Keys are not the same twice, so that one allocator's memory copied over another's is noticed.</summary>
    [Fact]
    public void Each_allocator_has_keys_of_its_own()
    {
        BuddyTree one = new(100, 5);
        BuddyTree two = new(100, 5);
        Assert.NotEqual(one.Bookkeeping[0], two.Bookkeeping[0]);
        Assert.NotEqual(one.Bookkeeping[0], one.Bookkeeping[^1]);
        two.Bookkeeping.CopyTo(one.Bookkeeping);
        Assert.Throws<InvariantViolationException>(one.Validate);
    }

    /// <summary>Every single bit, in trees of several shapes, half full. The one thing that nothing contradicts is the first group of an
    /// order that has no free block: it means nothing then.</summary>
    [Theory]
    [InlineData(1, 0)]
    [InlineData(40, 3)]
    [InlineData(64, 6)]
    [InlineData(1_000, 4)]
    [InlineData(4_096, 12)]
    [InlineData(4_500, 11)]
    [InlineData(9_000, 0)]
    [Trait("Once", "Release")]
    public void Validate_finds_any_single_bit_that_was_flipped(long units, int maxOrder)
    {
        BuddyTree tree = new(units, maxOrder);
        SeededRandom random = new((ulong)units);
        List<long> live = [];
        for (int i = 0; i < units / 2; i++)
        {
            if (tree.TryTake(random.Below(Math.Min(4, maxOrder + 1)), out long unit))
            {
                live.Add(unit);
            }

            if (i % 3 == 0 && live.Count > 0)
            {
                int index = random.Below(live.Count);
                tree.Give(live[index]);
                live.RemoveAt(index);
            }
        }

        tree.Validate();
        for (int word = 0; word < tree.Bookkeeping.Length; word += 100 / Math.Clamp(Night.Percent, 1, 100))
        {
            bool meaningless = word >= BuddyTree.FirstGroups
                && word < BuddyTree.FirstGroups + tree.OrdersProvided
                && (tree.FreeOrders >> (word - BuddyTree.FirstGroups) & 1) == 0;
            for (int bit = 0; bit < 64 && !meaningless; bit++)
            {
                tree.Bookkeeping[word] ^= 1ul << bit;
                Assert.True(IsFound(tree), $"bit {bit} of word {word} of {tree.Bookkeeping.Length}");
                tree.Bookkeeping[word] ^= 1ul << bit;
            }
        }

        tree.Validate();
    }

    private static bool IsFound(BuddyTree tree)
    {
        try
        {
            tree.Validate();
            return false;
        }
        catch (InvariantViolationException)
        {
            return true;
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void No_call_makes_garbage(bool singleThreaded)
    {
        OptimizedCode.Require(typeof(BuddyAllocator<>).Assembly);
        BuddyAllocator<ulong> allocator = new(1_000, 1_000_000, 16, 1 << 19, new BuddyAllocatorOptions { SingleThreaded = singleThreaded });
        for (int i = 0; i < 1_000; i++)
        {
            allocator.Allocate((ulong)(1 + (i % 300)));
        }

        Assert.Equal(0, Garbage.Of(2_000, () => Round(allocator)));
    }

    private static void Round(BuddyAllocator<ulong> allocator)
    {
        ulong start = allocator.Allocate(100);
        allocator.TryResize(start, 20);
        allocator.TryResize(start, 200);
        allocator.GetBlockSize(start);
        allocator.TryGetBuddy(start, out _);
        allocator.TryGetFragment(start + 1, out _);
        allocator.IsAllocated(start);
        allocator.GetStatistics();
        allocator.TryAllocate(1 << 20, out _);
        allocator.Free(start);
    }
}
