using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>Imports that just do, or just don't: by a place, by the limit, by the end of the type.</summary>
public class ImportEdgeTests
{
    [Fact]
    public void A_plain_request_asks_once()
    {
        ScriptedSource<uint> source = TestSources.Empty(64u);
        using Arena<uint> arena = new("child", 64, new ArenaOptions<uint> { Source = source });
        Assert.False(arena.TryAllocate(64, out _));
        Assert.Equal((64u, default(RangeConstraints<uint>)), Assert.Single(source.Requests));
    }

    /// <summary>The first import is 14 to 23, and 16 to 25 is the place that is wanted: it goes back, and more is asked for.</summary>
    [Fact]
    public void An_import_that_ends_two_before_the_place_does_goes_back()
    {
        ScriptedSource<uint> source = new(1, (size, _) => (14, size));
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source });
        Assert.Equal(16u, arena.AllocateConstrained(10, new() { Align = 16 }));
        Assert.Equal((14u, 25u), Assert.Single(source.Outstanding));
        Assert.Equal(1, source.Releases);
    }

    [Fact]
    public void An_import_may_end_where_the_type_does_and_not_behind()
    {
        ScriptedSource<uint> source = new(64, (size, _) => (uint.MaxValue - 63, size));
        using Arena<uint> arena = new("child", 64, new ArenaOptions<uint> { Source = source });
        Assert.Contains("past the top", Assert.Throws<InvalidOperationException>(() => arena.TryAllocate(128, out _)).Message, StringComparison.Ordinal);
        Assert.Empty(source.Outstanding);
        Assert.Equal(uint.MaxValue - 63, arena.Allocate(64));
    }

    [Fact]
    public void A_source_that_gives_less_than_was_asked_for_is_told_so()
    {
        ScriptedSource<uint> source = new(64, (size, _) => (8_192, size - 64));
        using Arena<uint> arena = new("child", 64, new ArenaOptions<uint> { Source = source });
        Assert.Contains("when asked for 128: less", Assert.Throws<InvalidOperationException>(() => arena.TryAllocate(128, out _)).Message, StringComparison.Ordinal);
        Assert.Empty(source.Outstanding);
    }

    [Fact]
    public void A_quantum_of_0_and_one_without_a_common_multiple_are_refused()
    {
        ScriptedSource<byte> none = TestSources.Empty<byte>(0);
        Assert.Contains("must not be 0", Refusal(none), StringComparison.Ordinal);
        ScriptedSource<byte> odd = TestSources.Empty<byte>(101);
        Assert.Contains("holds no such multiple", Refusal(odd), StringComparison.Ordinal);

        static string Refusal(IArenaSource<byte> source) =>
            Assert.Throws<ArgumentException>(() => new Arena<byte>("child", 3, new ArenaOptions<byte> { Source = source })).Message;
    }

    /// <summary>While it was asked for more, the source freed what the request needs; then it does not take back what is not needed. The
    /// caller learns of that alone, so it must own nothing.</summary>
    [Fact]
    public void What_was_granted_is_taken_back_where_the_source_throws()
    {
        ScriptedSource<uint> source = new(64, (_, _) => null);
        using Arena<uint> arena = new("child", 0, 64, 64, new ArenaOptions<uint> { Source = source });
        uint held = arena.Allocate(64);
        source.Answer = (size, _) =>
        {
            arena.Free(held, 64);
            return (1_024, size);
        };
        source.OnRelease = (_, _) => throw new TimeZoneNotFoundException("of the source's own");
        Assert.Throws<TimeZoneNotFoundException>(() => arena.TryAllocate(64, out _));
        Assert.Equal((0u, 64u), (arena.GetStatistics().InUse, arena.GetStatistics().TotalSize));
        source.OnRelease = null;
        Assert.Equal(held, arena.Allocate(64));
    }

    /// <summary>Slabs for sizes up to 5 are 64 long, and lie at multiples of 64.</summary>
    [Fact]
    public void For_a_cached_size_an_aligned_slab_is_asked_for_first()
    {
        ScriptedSource<uint> source = TestSources.Empty(1u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source, QuantumCacheMax = 5 });
        Assert.False(arena.TryAllocate(3, out _));
        Assert.Equal((64u, 64u), (source.Requests[0].Size, source.Requests[0].Constraints.Align));
    }

    /// <summary>From an arena below, which answers exactly: the minimum if the limit leaves it, and else what is needed.</summary>
    [Theory]
    [InlineData(128u, 128u)]
    [InlineData(127u, 64u)]
    [InlineData(64u, 64u)]
    public void The_minimum_import_is_given_up_where_the_limit_forbids_it(uint limit, uint imported)
    {
        using Arena<uint> ground = new("ground", 0, 4_096, 64);
        using Arena<uint> arena = new("child", 64, new ArenaOptions<uint> { Source = ground, MinImport = 128, Limit = limit });
        Assert.True(arena.TryAllocate(64, out _));
        Assert.Equal(imported, arena.GetStatistics().Imported);
    }

    /// <summary>An import may be as large as the limit, and no larger; of two questions one may be within it.</summary>
    [Theory]
    [InlineData(64u, 1u, "Its source had nothing that would do.")]
    [InlineData(63u, 1u, "An import would exceed the arena's limit of 63")]
    [InlineData(1_024u, 1_024u, "Its source had nothing that would do.")]
    [InlineData(1_023u, 1_024u, "Its source had nothing that would do within the arena's limit of 1023")]
    [InlineData(63u, 1_024u, "An import would exceed the arena's limit of 63")]
    public void A_refusal_says_what_the_limit_has_to_do_with_it(uint limit, uint align, string reason)
    {
        ScriptedSource<uint> source = TestSources.Empty(1u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source, Limit = limit });
        // 64 at a multiple of 961 more than its quantum lie in any 1,024.
        RangeConstraints<uint> where = align == 1 ? default : new() { Align = 961 };
        string message = Assert.Throws<ArenaExhaustedException>(() => arena.AllocateConstrained(64, where)).Message;
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_arena_below_under_a_tight_limit_is_said_to_be_limited()
    {
        using Arena<uint> ground = new("ground", 0, 64, 64);
        uint all = ground.Allocate(64);
        using Arena<uint> tight = new("tight", 16, new ArenaOptions<uint> { Source = ground, Limit = 64 });
        using Arena<uint> loose = new("loose", 16, new ArenaOptions<uint> { Source = ground, Limit = 128 });
        RangeConstraints<uint> where = new() { Align = 32 };
        Assert.Contains("within the arena's limit of 64", Message(tight), StringComparison.Ordinal);
        Assert.DoesNotContain("limit", Message(loose), StringComparison.Ordinal);
        Assert.Equal((64u, 0u), (tight.Explain(48, where).Limit, loose.Explain(48, where).Limit));
        ground.Free(all, 64);
        Assert.Equal(0u, tight.AllocateConstrained(48, where));
        Assert.Equal((true, 0u), (tight.Explain(16).Fits, tight.Explain(16).Limit));

        string Message(Arena<uint> arena) => Assert.Throws<ArenaExhaustedException>(() => arena.AllocateConstrained(48, where)).Message;
    }

    /// <summary>60 of a limit of 100 are a span: no import is longer than 40, so that 70 will never be had.</summary>
    [Fact]
    public void What_neither_a_span_nor_the_limit_can_hold_is_not_waited_for()
    {
        CancellationToken token = TestContext.Current.CancellationToken;
        ScriptedSource<uint> source = TestSources.Empty(1u);
        using Arena<uint> arena = new("limited", 0, 60, 1, new ArenaOptions<uint> { Source = source, Limit = 100 });
        ArgumentException told = Assert.Throws<ArgumentException>(() => arena.TryAllocate(70, TimeSpan.FromMinutes(1), out _, token));
        Assert.Contains("whatever is freed or imported", told.Message, StringComparison.Ordinal);
        using Arena<uint> alone = new("alone", 0, 60, 1);
        told = Assert.Throws<ArgumentException>(() => alone.TryAllocate(70, TimeSpan.FromMinutes(1), out _, token));
        Assert.Contains("whatever is freed:", told.Message, StringComparison.Ordinal);
    }
}
