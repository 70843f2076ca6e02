using Xunit;

namespace Vmem.Tests.Oracles;

/// <summary>Acceptance 4: the tests of the Rust crate <c>vmem</c> 1.0.</summary>
public class RustCrateTests
{
    [Fact]
    public void Best_fit_prefers_the_smallest_segment_then_the_next()
    {
        using Arena<uint> arena = new("best", 1, new ArenaOptions<uint> { Policy = FitPolicy.BestFit });
        arena.AddSpan(0x1000, 0x400);
        arena.AddSpan(0x1400, 0x100);
        arena.AddSpan(0x1500, 0x200);
        Assert.Equal(0x1400u, arena.Allocate(0x10));
        Assert.Equal(0x1500u, arena.Allocate(0x100));
    }

    [Fact]
    public void Next_fit_does_not_reuse_a_freed_address_until_the_range_has_been_cycled()
    {
        using Arena<uint> arena = new("pids", 1, 8, 1, new ArenaOptions<uint> { Policy = FitPolicy.NextFit });
        Assert.Equal(1u, arena.Allocate(1));
        arena.Free(1, 1);
        for (uint expected = 2; expected <= 8; expected++)
        {
            Assert.Equal(expected, arena.Allocate(1));
            arena.Free(expected, 1);
        }

        Assert.Equal(1u, arena.Allocate(1));
    }

    [Fact]
    public void Two_children_give_everything_back_to_their_parent()
    {
        using Arena<uint> parent = new("parent", 0x1000, 0x100000, 0x1000);
        ArenaOptions<uint> options = new() { Source = parent };
        using Arena<uint> one = new("one", 0x10, options);
        using Arena<uint> two = new("two", 0x10, options);
        List<(Arena<uint> Arena, uint Start, uint Size)> live = [];
        for (uint i = 1; i <= 40; i++)
        {
            Arena<uint> child = i % 2 == 0 ? one : two;
            live.Add((child, child.Allocate(0x40 * i), 0x40 * i));
        }

        Assert.True(parent.GetStatistics().InUse >= one.GetStatistics().InUse + two.GetStatistics().InUse);
        live.ForEach(entry => entry.Arena.Free(entry.Start, entry.Size));
        one.Reap();
        two.Reap();
        Assert.Equal(0u, parent.GetStatistics().InUse);
        Assert.Equal(0u, one.GetStatistics().TotalSize);
        parent.Validate();
        one.Validate();
        two.Validate();
    }
}
