using Vmem.Testing.Sources;
using Vmem.Testing.Time;
using Vmem.Tests.Waiting;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>What a source or a listener throws when a call has done what it was asked. Whoever has a range knows where it is and how long;
/// and a call that gives something up has given up all of it.</summary>
public class AfterTheDeedTests
{
    private readonly ScriptedSource<uint> _source = TestSources.Ascending(1u, 1_024u);

    private readonly TroubledSource _listened = new();

    private Arena<uint> Importing(uint cacheMax = 0) => new("importing", 1,
        new ArenaOptions<uint> { Source = _source, RetainedImport = ArenaOptions<uint>.RetainNone, QuantumCacheMax = cacheMax });

    /// <summary>32 are held, and caches hold what follows them, and all of an import.</summary>
    private Arena<uint> Cached(out RangeHandle<uint> handle)
    {
        Arena<uint> arena = Importing(cacheMax: 8);
        arena.AddSpan(0, 40);
        Assert.True(arena.TryAllocateHandle(32, out handle));
        uint[] cached = [arena.Allocate(8), arena.Allocate(8)];
        Assert.Equal((0u, 32u), (handle.Start, cached[0]));
        Array.ForEach(cached, start => arena.Free(start, 8));
        Assert.NotEqual(0u, arena.GetStatistics().Imported);
        _source.OnRelease = static (_, _) => throw new TimeZoneNotFoundException("of the source's own");
        return arena;
    }

    [Theory]
    [InlineData("extend")]
    [InlineData("extend by handle")]
    [InlineData("move")]
    public void A_range_that_the_caches_made_room_for_is_where_the_call_says(string call)
    {
        using Arena<uint> arena = Cached(out RangeHandle<uint> handle);
        RangeHandle<uint> extended = default;
        Assert.True(call switch
        {
            "extend" => arena.TryExtend(0, 32, 40),
            "move" => arena.TryMove(0, 32, 8),
            _ => arena.TryExtend(handle, 40, out extended),
        });
        Assert.Equal((1, 0), (_source.Releases, _source.WrongReleases));
        Segment<uint> held = Assert.Single(arena.GetSegments(), static segment => segment.Kind == SegmentKind.Allocated);
        Assert.Equal(call == "move" ? (8u, 32u) : (0u, 40u), (held.Start, held.Size));
        Assert.Equal(call == "extend by handle" ? 40u : 0, extended.Size);
        arena.Validate();
        arena.Free(held.Start, held.Size);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_leaves_an_import_has_left_it(bool moves)
    {
        using Arena<uint> arena = Importing();
        arena.AddSpan(0, 40);
        Assert.Equal(1_024u, arena.AllocateConstrained(20, new() { Min = 1_000 }));
        _source.OnRelease = static (_, _) => throw new TimeZoneNotFoundException("of the source's own");
        if (moves)
        {
            Assert.True(arena.TryMove(1_024, 20, 4));
            arena.Free(4, 20);
        }
        else
        {
            arena.FreePart(1_024, 20, 1_024, 20);
        }

        Assert.Equal((1, 0u, 40u), (_source.Releases, arena.GetStatistics().InUse, arena.GetStatistics().TotalSize));
        arena.Validate();
    }

    [Theory]
    [InlineData("shrink", 50u)]
    [InlineData("shrink by handle", 50u)]
    [InlineData("free a part", 50u)]
    [InlineData("add", 200u)]
    [InlineData("grow", 100u)]
    [InlineData("stop draining", 300u)]
    public async Task Room_that_a_call_makes_is_there_though_ending_a_wait_throws(string call, uint granted)
    {
        using Arena<uint> arena = new("waited for", 0, 100, 1, new ArenaOptions<uint> { Source = _listened });
        Assert.True(arena.TryAllocateHandle(100, out RangeHandle<uint> handle));
        arena.AddSpan(300, 50);
        Assert.True(arena.TryAllocateAt(300, 10));
        Assert.True(arena.TryDrainSpan(300));
        Task<uint> waiter = arena.AllocateAsync(20, TestContext.Current.CancellationToken).AsTask();
        Assert.False(waiter.IsCompleted);
        _listened.OnUnsubscribe = static () => throw new TimeZoneNotFoundException("of the source's own");
        switch (call)
        {
            case "shrink":
                Assert.True(arena.TryExtend(0, 100, 50));
                break;

            case "shrink by handle":
                Assert.True(arena.TryExtend(handle, 50, out RangeHandle<uint> shorter));
                Assert.Equal(50u, shorter.Size);
                break;

            case "free a part":
                arena.FreePart(0, 100, 50, 50);
                break;

            case "add":
                arena.AddSpan(200, 50);
                break;

            case "grow":
                Assert.True(arena.TryGrowSpan(0, 100, 150));
                break;

            default:
                Assert.True(arena.StopDraining(300));
                granted += 10;
                break;
        }

        Assert.True(waiter.IsCompletedSuccessfully);
        Assert.Equal(granted, await waiter);
        Assert.Equal(0, _listened.Listeners);
        arena.Validate();
    }

    [Fact]
    public void A_block_that_was_cut_is_as_long_as_the_call_says()
    {
        BuddyAllocator<uint> buddies = new(0, 64, 1, 64);
        uint block = buddies.Allocate(16);
        ((INotifyingArenaSource<uint>)buddies).Subscribe(static () => throw new TimeZoneNotFoundException());
        Assert.True(buddies.TryResize(block, 4));
        Assert.Equal(4u, buddies.GetBlockSize(block));
        Assert.Throws<TimeZoneNotFoundException>(() => buddies.Free(block));
        Assert.Equal(0u, buddies.GetStatistics().InUse);
    }

    /// <summary>The first is handed to the request that waits, which ends with an exception.</summary>
    [Fact]
    public void All_of_a_batch_is_free_though_the_first_free_throws()
    {
        using Arena<uint> arena = new("waited for", 0, 64, 1, new ArenaOptions<uint> { Source = _listened, QuantumCacheMax = 4 });
        uint[] starts = [.. Enumerable.Range(0, 16).Select(_ => arena.Allocate(4))];
        ValueTask<uint> waiter = arena.AllocateAsync(4, TestContext.Current.CancellationToken);
        _listened.OnUnsubscribe = static () => throw new TimeZoneNotFoundException("of the source's own");
        Assert.Throws<TimeZoneNotFoundException>(() => arena.FreeMany(starts.AsSpan(0, 5), 4));
        Assert.True(waiter.IsCompletedSuccessfully);
        Assert.Equal(4u * 12, arena.GetStatistics().InUse);
        arena.Validate();
        Assert.Throws<InvalidFreeException>(() => arena.FreeMany([starts[6], starts[6], starts[7]], 4));
        Assert.Equal(4u * 11, arena.GetStatistics().InUse);
    }

    /// <summary>One import goes with a rest, and another with the caches.</summary>
    [Fact]
    public void Whatever_is_kept_has_gone_back_though_the_source_throws_at_the_first()
    {
        ManualTime time = new();
        using Arena<uint> arena = new("importing", 1, new ArenaOptions<uint>
        {
            Source = _source,
            RetainedImport = ArenaOptions<uint>.RetainNone,
            QuantumCacheMax = 8,
            SingleThreaded = true,
            TimeProvider = time,
        });
        uint rests = arena.Allocate(64);
        arena.Free(arena.Allocate(8), 8);
        arena.FreeAfter(rests, 64, TimeSpan.FromSeconds(1));
        Assert.Equal(2, _source.Outstanding.Count);
        time.Advance(TimeSpan.FromSeconds(2));
        _source.OnRelease = static (_, _) => throw new TimeZoneNotFoundException("of the source's own");
        Assert.Throws<TimeZoneNotFoundException>(() => arena.Reap());
        Assert.Empty(_source.Outstanding);
        Assert.Equal((0u, 0u), (arena.GetStatistics().TotalSize, arena.GetStatistics().Cached));
        arena.Validate();
    }

    /// <summary>Where nothing waits the call looks at what rests all the same; and where something does, it is tried.</summary>
    [Fact]
    public async Task Those_who_wait_are_tried_again_though_the_source_throws_at_a_rest()
    {
        ManualTime time = new();
        using Arena<uint> arena = new("importing", 1, new ArenaOptions<uint>
        {
            Source = _source,
            RetainedImport = ArenaOptions<uint>.RetainNone,
            SingleThreaded = true,
            TimeProvider = time,
        });
        uint rests = arena.Allocate(64);
        arena.FreeAfter(rests, 64, TimeSpan.FromSeconds(1));
        _source.Answer = static (_, _) => null;
        Task<uint> waiter = arena.AllocateAsync(100, TestContext.Current.CancellationToken).AsTask();
        time.Advance(TimeSpan.FromSeconds(2));
        _source.Answer = static (size, _) => (8_192, size);
        _source.OnRelease = static (_, _) => throw new TimeZoneNotFoundException("of the source's own");
        Assert.Throws<TimeZoneNotFoundException>(arena.RetryWaiters);
        Assert.True(waiter.IsCompletedSuccessfully);
        Assert.Equal((8_192u, 100u), (await waiter, arena.GetStatistics().TotalSize));
        _source.OnRelease = null;
        arena.Validate();
    }
}
