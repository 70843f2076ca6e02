using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Ranges;
using Vmem.Space;
using Vmem.Testing.Sources;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>When the upkeep of an arena's caches has anything to do, and when it rests. Alone: relief is the whole process's.</summary>
[Collection(nameof(UpkeepTests))]
public class CacheIntervalTests
{
    private static readonly TimeSpan s_interval = Upkeep.Interval;

    private static ArenaOptions<uint> Options(TimeProvider time, IArenaSource<uint>? source = null) =>
        new() { QuantumCacheMax = 4, TimeProvider = time, Source = source };

    private static void Fill(Arena<uint> arena, int count)
    {
        uint[] starts = [.. Enumerable.Range(0, count).Select(_ => arena.Allocate(1))];
        Array.ForEach(starts, start => arena.Free(start, 1));
    }

    private static class Accessor<T>
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_caches")]
        public static extern ref QuantumCaches<T>? Caches(Arena<T> arena);
    }

    private static bool EndInterval(Arena<uint> arena) => ((IUpkeepTarget)Accessor<uint>.Caches(arena)!).EndInterval();

    /// <summary>Relief comes to those who are awake.</summary>
    [Fact]
    public void Caches_that_rest_are_woken_by_a_magazine()
    {
        ManualTime time = new();
        using Arena<uint> arena = new("resting", 0, 1_024, 1, Options(time));
        time.Advance(2 * s_interval);
        Fill(arena, 1_000);
        Upkeep.RelieveAll();
        Assert.InRange(arena.GetStatistics().Cached, 0u, 192u);
        arena.Validate();
    }

    [Fact]
    public void There_is_more_to_do_while_a_magazine_is_there()
    {
        using Arena<uint> arena = new("held", 0, 1_024, 1, Options(new ManualTime()));
        Assert.False(EndInterval(arena));
        Fill(arena, 40);
        Assert.True(EndInterval(arena));
        Assert.True(EndInterval(arena));
        while (arena.GetStatistics().Cached > 0)
        {
            EndInterval(arena);
        }

        Assert.InRange(Enumerable.Range(0, 10).Count(_ => EndInterval(arena)), 0, 9);
        Assert.False(EndInterval(arena));
    }

    [Fact]
    public void There_is_more_to_do_while_an_import_may_go_back()
    {
        ManualTime time = new();
        ScriptedSource<uint> source = TestSources.Ascending(1u, 1_024u);
        using Arena<uint> arena = new("importing", 1, Options(time, source));
        arena.Free(arena.Allocate(100), 100);
        Assert.Single(source.Outstanding);
        Assert.True(EndInterval(arena));
        time.Advance(10 * s_interval);
        Assert.Empty(source.Outstanding);
        Assert.False(EndInterval(arena));
    }

    /// <summary>Which the source would not have, so that nobody knows whether more are left.</summary>
    [Fact]
    public void There_may_be_more_to_do_after_an_import_went_back_in_vain()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 1_024u);
        Arena<uint> arena = new("importing", 1, Options(new ManualTime(), source));
        arena.Free(arena.Allocate(100), 100);
        source.OnRelease = static (_, _) => throw new TimeZoneNotFoundException();
        while (source.Releases == 0)
        {
            Assert.True(EndInterval(arena));
        }

        Assert.False(EndInterval(arena));
        source.OnRelease = null;
        arena.Dispose();
    }

    [Fact]
    public void There_is_more_to_do_while_a_request_waits()
    {
        using Arena<uint> arena = new("waiting", 0, 16, 1, Options(new ManualTime()));
        uint all = arena.Allocate(16);
        Task<uint> standing = arena.AllocateAsync(16, TestContext.Current.CancellationToken).AsTask();
        Assert.True(EndInterval(arena));
        arena.Free(all, 16);
        Assert.True(standing.IsCompletedSuccessfully);
    }

    [Fact]
    public void In_an_arena_of_one_thread_nothing_leaves_of_its_own_accord()
    {
        ManualTime time = new();
        using Arena<uint> arena = new("alone", 0, 1_024, 1, Options(time) with { SingleThreaded = true });
        Fill(arena, 200);
        Assert.Equal(0, time.TimersMade);
        time.Advance(10 * s_interval);
        Upkeep.RelieveAll();
        Assert.Equal(256u, arena.GetStatistics().Cached);
    }

    /// <summary>Whoever called may undo it a second time, when the rest of the attempt fails as well.</summary>
    [Fact]
    public void What_is_taken_back_is_nobodys_grant()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 1_024u);
        Arena<uint> arena = new("undone", 1, Options(new ManualTime(), source) with { RetainedImport = ArenaOptions<uint>.RetainNone });
        uint held = arena.Allocate(1);
        arena.Free(arena.Allocate(2), 2);
        source.OnRelease = static (_, _) => throw new TimeZoneNotFoundException();
        var request = new Request<uint>(new Placement<uint>(40, default, 1), FitPolicy.InstantFit);
        Grant<uint> grant = new(7, 7);
        Assert.Throws<TimeZoneNotFoundException>(() => Accessor<uint>.Caches(arena)!.TryTakeDrained(request, out grant));
        Assert.True(grant.IsEmpty);
        Assert.Equal(1u, arena.GetStatistics().InUse);
        source.OnRelease = null;
        arena.Free(held, 1);
        arena.Dispose();
    }
}
