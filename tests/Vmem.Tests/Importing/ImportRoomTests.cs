using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>What an import leaves beside the request: room that others are told of, or nothing.</summary>
public class ImportRoomTests
{
    [Fact]
    public void Nobody_is_told_of_an_import_that_was_refused()
    {
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = TestSources.Empty(1u) });
        Func<int> told = Listen(arena);
        Assert.False(arena.TryAllocate(64, out _));
        Assert.Equal(0, told());
    }

    [Fact]
    public void Listeners_are_told_of_an_import_that_is_longer_than_the_request()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 1_024u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source, MinImport = 128 });
        Func<int> told = Listen(arena);
        Assert.True(arena.TryAllocate(64, out _));
        Assert.Equal(1, told());
    }

    /// <summary>The source has it again.</summary>
    [Fact]
    public void Listeners_are_told_of_an_import_that_went_back()
    {
        ScriptedSource<uint> source = new(1, (size, _) => (14, size));
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source });
        Func<int> told = Listen(arena);
        Assert.False(arena.TryAllocateConstrained(10, new() { Align = 16, Min = 64 }, FitPolicy.InstantFit, out _));
        Assert.True(source.Releases > 0);
        Assert.Equal(1, told());
    }

    /// <summary>Another import took what the limit left while the source was asked.</summary>
    [Fact]
    public void A_slab_that_came_too_late_goes_back()
    {
        Arena<uint>? arena = null;
        ScriptedSource<uint> source = TestSources.Empty(1u);
        arena = new Arena<uint>("child", 1, new ArenaOptions<uint> { Source = source, QuantumCacheMax = 5, Limit = 100 });
        source.Answer = (size, constraints) =>
        {
            source.Answer = static (size, _) => (4_096, size);
            Assert.True(arena.TryAllocate(90, out uint _));
            source.Answer = static (_, _) => null;
            return (1_024, size);
        };
        Assert.False(arena.TryAllocate(3, out _));
        Assert.Equal((4_096u, 90u), Assert.Single(source.Outstanding));
        arena.Validate();
        arena.Dispose();
    }

    /// <summary>Slabs are 64 long; one who waits for 3 does not need the source to have one that is aligned.</summary>
    [Fact]
    public void For_who_waits_no_aligned_slab_is_asked_for()
    {
        ScriptedSource<uint> source = TestSources.Empty(1u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source, QuantumCacheMax = 5 });
        ValueTask<uint> waiter = arena.AllocateAsync(3, TestContext.Current.CancellationToken);
        int asked = source.Requests.Count;
        arena.RetryWaiters();
        Assert.True(source.Requests.Count > asked);
        Assert.All(source.Requests.Skip(asked), static request => Assert.NotEqual(64u, request.Constraints.Align));
        Assert.False(waiter.IsCompleted);
    }

    /// <summary>While it was asked in vain, the source got back what it can give as part of something longer.</summary>
    [Fact]
    public void A_source_that_got_something_back_meanwhile_is_asked_again()
    {
        Arena<uint>? arena = null;
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        arena = new Arena<uint>("child", 64, new ArenaOptions<uint> { Source = source });
        uint held = arena.Allocate(64);
        source.Answer = (_, _) =>
        {
            source.Answer = static (size, _) => (1_024, size);
            arena.Free(held, 64);
            arena.Reap();
            return null;
        };
        Assert.Equal(1_024u, arena.Allocate(128));
        arena.Dispose();
    }

    /// <summary>What an attempt itself puts back is no news: the source is asked before and after, and not once more.</summary>
    [Fact]
    public void An_empty_import_that_goes_back_for_who_waits_has_the_source_asked_twice()
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        using Arena<uint> arena = new("child", 64, new ArenaOptions<uint> { Source = source, SingleThreaded = true });
        uint held = arena.Allocate(64);
        source.Answer = static (_, _) => null;
        ValueTask<uint> waiter = arena.AllocateAsync(128, TestContext.Current.CancellationToken);
        int asked = source.Requests.Count;
        arena.Free(held, 64);
        Assert.Equal((2, 1, 0u), (source.Requests.Count - asked, source.Releases, arena.GetStatistics().TotalSize));
        Assert.False(waiter.IsCompleted);
    }

    /// <summary>Of 4 and 6, the least common multiple is 12.</summary>
    [Fact]
    public void Of_quanta_that_do_not_divide_each_other_imports_are_common_multiples()
    {
        using Arena<uint> pool = new("pool", 4, 400, 4);
        using Arena<uint> arena = new("child", 6, new ArenaOptions<uint> { Source = pool });
        uint start = arena.AllocateConstrained(6, new() { Align = 30, Phase = 18 });
        Assert.Equal(18u, start % 30);
        Assert.Equal(arena.GetStatistics().Imported, pool.GetStatistics().InUse);
        Assert.Equal(0u, arena.GetStatistics().Imported % 12);
        arena.FreeConstrained(start, 6);
        arena.Reap();
        Assert.Equal(0u, pool.GetStatistics().InUse);
        arena.Validate();
        pool.Validate();
    }

    /// <summary>Imports of the middle one are multiples of 105, of the top one of 45, and a byte holds no multiple of both.</summary>
    [Fact]
    public void What_no_chain_of_units_can_give_is_not_waited_for()
    {
        using Arena<byte> middle = new("middle", 15, new ArenaOptions<byte> { Source = TestSources.Empty<byte>(7) });
        using Arena<byte> top = new("top", 45, new ArenaOptions<byte> { Source = middle });
        CancellationToken token = TestContext.Current.CancellationToken;
        Assert.Throws<ArgumentException>(() => top.TryAllocate(45, TimeSpan.FromMinutes(1), out _, token));
        Assert.False(top.TryAllocate(45, out _));
    }

    private static Func<int> Listen(Arena<uint> arena)
    {
        int told = 0;
        ((INotifyingArenaSource<uint>)arena).Subscribe(() => told++);
        return () => told;
    }
}
