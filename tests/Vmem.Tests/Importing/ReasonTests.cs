using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>What an arena with a source says about a request that fails is what has happened.</summary>
public class ReasonTests
{
    private const string HadNothing = "source had nothing";

    [Fact]
    public void A_source_that_the_limit_forbids_to_ask_is_not_said_to_have_been_asked()
    {
        ScriptedSource<uint> source = TestSources.Empty(4_096u);
        using Arena<uint> arena = new("limited", 16, new ArenaOptions<uint> { Source = source, Limit = 100 });
        FitReport<uint> report = arena.Explain(16);
        Assert.False(report.CanImport);
        Assert.DoesNotContain("source", report.ToString(), StringComparison.Ordinal);
        string message = Message(() => arena.Allocate(16));
        Assert.Contains("limit of 100", message, StringComparison.Ordinal);
        Assert.DoesNotContain(HadNothing, message, StringComparison.Ordinal);
        Assert.Empty(source.Requests);
    }

    [Fact]
    public void An_arena_as_source_is_no_other()
    {
        using Arena<uint> ground = new("ground", 0, 1 << 20, 4_096);
        using Arena<uint> arena = new("limited", 16, new ArenaOptions<uint> { Source = ground, Limit = 4_096 });
        Assert.True(arena.Explain(16).CanImport);
        Assert.False(arena.Explain(4_112).CanImport);
        Assert.Contains("limit", Message(() => arena.Allocate(4_112)), StringComparison.Ordinal);
        Assert.False(arena.Explain(32, new() { Align = 64, Phase = 48, Min = 4_000, Max = 4_200 }).Fits);
        arena.Allocate(4_096);
        Assert.False(arena.Explain(16).CanImport);
        Assert.Equal(0, ground.GetStatistics().Failures);
    }

    /// <summary>What is kept does not count against the limit: it goes back before the source is asked.</summary>
    [Fact]
    public void Kept_imports_leave_room_under_the_limit()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 1_000u);
        using Arena<uint> arena = new("limited", 1, new ArenaOptions<uint> { Source = source, Limit = 100 });
        arena.Free(arena.Allocate(60), 60);
        Assert.True(arena.Explain(80).CanImport);
        Assert.Contains("would ask", arena.Explain(80).ToString(), StringComparison.Ordinal);
        Assert.True(arena.TryAllocate(80, out _));
    }

    [Fact]
    public void A_source_that_was_asked_for_less_than_would_have_been_sure_is_named_with_the_limit()
    {
        ScriptedSource<uint> source = TestSources.Empty(64u);
        using Arena<uint> arena = new("bounded", 64, new ArenaOptions<uint> { Source = source, Limit = 512 });
        string message = Message(() => arena.AllocateConstrained(64, new() { Align = 1_024 }));
        Assert.Contains("within the arena's limit of 512", message, StringComparison.Ordinal);
        Assert.Contains(HadNothing, Message(() => arena.AllocateConstrained(64, new() { Align = 128 })), StringComparison.Ordinal);
        Assert.DoesNotContain("limit", Message(() => arena.AllocateConstrained(64, new() { Align = 128 })), StringComparison.Ordinal);
        Assert.NotEmpty(source.Requests);
    }

    [Fact]
    public void A_place_that_no_import_could_hold_is_not_blamed_on_the_source()
    {
        ScriptedSource<uint> source = TestSources.Ascending(16u, 4_096u);
        using Arena<uint> arena = new("child", 16, new ArenaOptions<uint> { Source = source });
        RangeConstraints<uint> narrow = new() { Min = 64, Max = 80 };
        Assert.False(arena.Explain(32, narrow).CanImport);
        Assert.Contains("was not asked", Message(() => arena.AllocateConstrained(32, narrow)), StringComparison.Ordinal);
        Assert.Empty(source.Requests);
    }

    private static string Message(Action action) => Assert.Throws<ArenaExhaustedException>(action).Message;
}
