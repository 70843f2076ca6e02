using Vmem.Testing.Driving;
using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>Sources that fail, throw, or give what they must not: the request fails, the arena is as it was, and goes on working.</summary>
public class BadSourceTests
{
    public static TheoryData<string, ImportAnswer<uint>> BadAnswers => new()
    {
        { "a start that is no multiple of the quantum", (size, _) => (4_100, size) },
        { "a length that is no multiple of the quantum", (size, _) => (8_192, size + 3) },
        { "too little", (size, _) => (8_192, size - 64) },
        { "nothing at all", (_, _) => (8_192, 0) },
        { "a range that overlaps a span", (size, _) => (64, size) },
        { "a range around a span", (_, _) => (0, 65_536) },
        { "a range that wraps past the top", (_, _) => (uint.MaxValue - 63, 4_096) },
    };

    [Theory]
    [MemberData(nameof(BadAnswers), DisableDiscoveryEnumeration = true)]
    public void A_bad_answer_changes_nothing(string sort, ImportAnswer<uint> answer)
    {
        ScriptedSource<uint> source = new(64, answer);
        using Arena<uint> arena = new("child", 64, new ArenaOptions<uint> { Source = source });
        arena.AddSpan(64, 128);
        arena.Allocate(64);
        string before = ArenaPicture.Segments(arena);

        bool found = false;
        Exception? thrown = Record.Exception(() => found = arena.TryAllocate(1_024, out _));

        Assert.False(found, sort);
        Assert.True(thrown is null or InvalidOperationException, $"{sort}: {thrown}");
        Assert.Equal(before, ArenaPicture.Segments(arena));
        Assert.InRange(source.Requests.Count, 1, 4);
        arena.Validate();

        source.Answer = (size, _) => (1 << 20, size);
        Assert.Equal(1u << 20, arena.Allocate(1_024));
        arena.Validate();
    }

    [Fact]
    public void A_bad_answer_that_cannot_go_back_is_told_with_both_faults()
    {
        ScriptedSource<uint> source = new(64, (size, _) => (3, size))
        {
            OnRelease = (_, _) => throw new TimeZoneNotFoundException("of the source's own"),
        };
        using Arena<uint> arena = new("child", 64, new ArenaOptions<uint> { Source = source });
        InvalidOperationException told = Assert.Throws<InvalidOperationException>(() => arena.TryAllocate(64, out _));
        Assert.Contains("gave 64 at 3 when asked for 64", told.Message, StringComparison.Ordinal);
        Assert.IsType<TimeZoneNotFoundException>(told.InnerException);
        arena.Validate();
    }

    [Fact]
    public void A_source_without_more_makes_the_request_fail()
    {
        ScriptedSource<uint> source = TestSources.Empty(64u);
        using Arena<uint> arena = new("child", 64, new ArenaOptions<uint> { Source = source });
        Assert.False(arena.TryAllocate(64, out _));
        ArenaExhaustedException exhausted = Assert.Throws<ArenaExhaustedException>(() => arena.Allocate(65));
        Assert.Equal((UInt128)128, exhausted.Requested);
        Assert.Equal("child", exhausted.ArenaName);
        Assert.Equal(2, arena.GetStatistics().Failures);
        Assert.Equal(0, arena.GetStatistics().Imports);
    }

    [Fact]
    public void What_a_source_throws_reaches_the_caller_and_harms_nothing()
    {
        ScriptedSource<uint> source = new(64, (_, _) => throw new TimeZoneNotFoundException("of the source's own"));
        using Arena<uint> arena = new("child", 64, new ArenaOptions<uint> { Source = source });
        arena.AddSpan(0, 64);
        string before = ArenaPicture.Segments(arena);
        for (int i = 0; i < 3; i++)
        {
            Assert.Throws<TimeZoneNotFoundException>(() => arena.TryAllocate(128, out _));
            Assert.Throws<TimeZoneNotFoundException>(() => arena.Allocate(128, FitPolicy.BestFit));
            Assert.Equal(before, ArenaPicture.Segments(arena));
            arena.Validate();
        }

        source.Answer = (size, _) => (1_024, size);
        Assert.Equal(1_024u, arena.Allocate(128));
    }

    /// <summary>NetBSD and FreeBSD import again and again when what they get does not help.</summary>
    [Fact]
    public void The_bsds_can_loop_importing_spans_that_do_not_help()
    {
        uint next = 4_096;
        ScriptedSource<uint> source = new(64, (size, _) =>
        {
            next += 64 + size;
            return (next, size);
        });
        using Arena<uint> arena = new("child", 64, new ArenaOptions<uint> { Source = source });
        Assert.False(arena.TryAllocateConstrained(64, new() { Max = 1_024 }, FitPolicy.InstantFit, out _));
        Assert.InRange(source.Requests.Count, 0, 4);
        Assert.Empty(source.Outstanding);
        Assert.Equal(0u, arena.GetStatistics().TotalSize);
        arena.Validate();
    }
}
