using Vmem.Checks;
using Vmem.Testing.Recording;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>What added spans, as they come, grow, shrink and go, leave of the limit for imports, and who is told.</summary>
public class SpanRoomTests
{
    private const uint Far = 10_000;

    /// <summary>Of a limit of 100, 60 are a span, and 40 an import that is held. Whoever waits for another import of 40 gets it when the
    /// span is shorter by 40, or gone.</summary>
    [Theory]
    [InlineData(0u)]
    [InlineData(20u)]
    public void What_a_span_leaves_of_the_limit_is_imported_for_who_waits(uint left)
    {
        using Arena<uint> pool = new("pool", 0, 1_000, 1);
        using Arena<uint> arena = new("limited", 1, new ArenaOptions<uint> { Source = pool, Limit = 100 });
        arena.AddSpan(Far, 60);
        Assert.Equal(0u, arena.AllocateConstrained(40, new() { Max = 1_000 }));
        RangeConstraints<uint> where = new() { Max = 1_000 };
        Task<uint> waits = arena.AllocateAsync(40, where, TestContext.Current.CancellationToken).AsTask();
        Assert.False(waits.IsCompleted);
        Assert.True(left == 0 ? arena.TryRemoveSpan(Far, 60) : arena.TryGrowSpan(Far, 60, left));
        Assert.True(waits.IsCompletedSuccessfully);
        Assert.Equal((80u, 80u + left), (arena.GetStatistics().Imported, arena.GetStatistics().TotalSize));
        arena.Validate();
    }

    /// <summary>An import of 80 is possible until a span takes more than 20 of the limit.</summary>
    [Theory]
    [InlineData(20u, false)]
    [InlineData(21u, true)]
    public void Who_waits_for_an_import_that_a_span_leaves_no_room_for_is_told(uint size, bool isTold)
    {
        using Arena<uint> pool = new("pool", 0, 1_000, 1);
        _ = pool.Allocate(1_000);
        using Arena<uint> added = new("added", 1, new ArenaOptions<uint> { Source = pool, Limit = 100 });
        using Arena<uint> grown = new("grown", 1, new ArenaOptions<uint> { Source = pool, Limit = 100 });
        grown.AddSpan(Far, 10);
        Task<uint> one = added.AllocateAsync(80, TestContext.Current.CancellationToken).AsTask();
        Task<uint> other = grown.AllocateAsync(80, TestContext.Current.CancellationToken).AsTask();
        added.AddSpan(Far, size);
        Assert.True(grown.TryGrowSpan(Far, 10, size));
        Assert.Equal((isTold, isTold), (one.IsFaulted, other.IsFaulted));
        if (isTold)
        {
            Assert.IsType<ArenaExhaustedException>(one.Exception?.InnerException);
            Assert.IsType<ArenaExhaustedException>(other.Exception?.InnerException);
        }
    }

    [Theory]
    [InlineData(40u, true)]
    [InlineData(41u, false)]
    public void A_span_may_be_as_long_as_the_limit_leaves(uint size, bool isAllowed)
    {
        using Arena<uint> arena = new("limited", 0, 60, 1, new ArenaOptions<uint> { Limit = 100 });
        Assert.Equal(isAllowed, arena.TryGrowSpan(0, 60, 60 + size));
        using Arena<uint> other = new("limited", 0, 60, 1, new ArenaOptions<uint> { Limit = 100 });
        if (isAllowed)
        {
            other.AddSpan(Far, size);
        }
        else
        {
            ArgumentException refused = Assert.Throws<ArgumentException>(() => other.AddSpan(Far, size));
            Assert.Contains("limit of 100", refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal(isAllowed ? 100u : 60u, other.GetStatistics().TotalSize);
    }

    /// <summary>Below, above, and on both sides.</summary>
    [Theory]
    [InlineData(10u, 0u)]
    [InlineData(10u, 20u)]
    [InlineData(20u, 20u)]
    public void Spans_that_become_one_are_recorded(uint low, uint high)
    {
        using Arena<uint> arena = new("joined", 1);
        arena.AddSpan(20 - low, low);
        if (high != 0)
        {
            arena.AddSpan(30, high);
        }

        using RecordedArena<uint> recorded = new(arena);
        arena.AddSpan(20, 10, joinNeighbors: true);
        Assert.Equal(20 - low, arena.Allocate(low + 10 + high));
        arena.Free(20 - low, low + 10 + high);
        Assert.True(arena.TryGrowSpan(20 - low, low + 10 + high, low + 5));
        Assert.True(arena.TryGrowSpan(20 - low, low + 5, low + 8));
        _ = recorded.Check();
    }

    [Fact]
    public void Two_halves_that_become_all_are_recorded()
    {
        using Arena<byte> arena = new("all", 0, 128, 1);
        using RecordedArena<byte> recorded = new(arena);
        arena.AddSpan(128, 128, joinNeighbors: true);
        _ = arena.Allocate(200);
        _ = recorded.Check();
    }

    [Fact]
    public void A_span_that_touches_nothing_is_recorded_once()
    {
        using Arena<uint> arena = new("alone", 1);
        using RecordedArena<uint> recorded = new(arena);
        arena.AddSpan(20, 10, joinNeighbors: true);
        arena.AddSpan(40, 10);
        Assert.True(arena.TryRemoveSpan(40, 10));
        _ = recorded.Check();
    }

    [Theory]
    [InlineData(0u, 24u, "multiple of the quantum")]
    [InlineData(8u, 32u, "start at a multiple")]
    [InlineData(0xFFFF_FFF0u, 32u, "past the top")]
    [InlineData(0u, 0u, "empty")]
    public void What_is_wrong_with_a_span_is_said(uint start, uint size, string fault)
    {
        using Arena<uint> arena = new("spans", 16);
        Assert.Contains(fault, Assert.ThrowsAny<ArgumentException>(() => arena.AddSpan(start, size)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(15u, 6u)]
    [InlineData(29u, 1u)]
    [InlineData(0u, 50u)]
    public void What_a_span_overlaps_is_named(uint start, uint size)
    {
        using Arena<uint> arena = new("spans", 20, 10, 1);
        ArgumentException refused = Assert.Throws<ArgumentException>(() => arena.AddSpan(start, size));
        Assert.Contains($"The span of {size} at {start} overlaps the one of 10 at 20", refused.Message, StringComparison.Ordinal);
        arena.AddSpan(15, 5);
        arena.AddSpan(30, 5);
    }

    /// <summary>Each growth of a table fails once: the span is longer or shorter then, or as it was.</summary>
    [Theory]
    [InlineData(64u, 1u << 20)]
    [InlineData(1u << 20, 64u)]
    public void A_span_that_no_memory_lets_grow_or_shrink_is_as_it_was(uint before, uint after)
    {
        int failing = 0;
        for (int growths = 1; failing < growths; failing++)
        {
            using Arena<uint> arena = new("grows", 0, before, 1);
            growths = 0;
            bool hasChanged = false;
            try
            {
                using (GrowthFault.Inject(() => growths++ == failing))
                {
                    hasChanged = arena.TryGrowSpan(0, before, after);
                }
            }
            catch (OutOfMemoryException)
            {
            }

            arena.Validate();
            Assert.Equal(hasChanged ? after : before, arena.GetStatistics().TotalSize);
            Assert.Equal(0u, arena.Allocate(64));
            arena.Validate();
        }
    }

    [Fact]
    public void A_span_may_end_where_the_type_does()
    {
        using Arena<uint> arena = new("top", 16);
        arena.AddSpan(0xFFFF_FFF0, 16);
        Assert.Equal(0xFFFF_FFF0, arena.Allocate(16));
    }

    [Fact]
    public void What_is_no_span_of_the_arena_is_named()
    {
        using Arena<uint> pool = new("pool", 0, 64, 16);
        using Arena<uint> arena = new("spans", 16, new ArenaOptions<uint> { Source = pool });
        arena.AddSpan(Far, 64);
        Assert.Contains("no span holds that address", Refusal(Far + 64, 64), StringComparison.Ordinal);
        Assert.Contains($"the span there has 64 at {Far}", Refusal(Far, 32), StringComparison.Ordinal);
        Assert.Contains($"the span there has 64 at {Far}", Refusal(Far + 16, 48), StringComparison.Ordinal);
        uint import = arena.AllocateConstrained(64, new() { Max = 64 });
        Assert.Contains("was imported", Refusal(import, 64), StringComparison.Ordinal);

        string Refusal(uint start, uint size) => Assert.Throws<ArgumentException>(() => arena.TryRemoveSpan(start, size)).Message;
    }
}
