using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Policies;

/// <summary>Oldest fit hands out what was freed longest ago, whatever other calls come between.</summary>
public class OldestFitTests
{
    private static readonly ArenaOptions<uint> s_oldest = new() { Policy = FitPolicy.OldestFit };

    [Fact]
    public void Ids_come_back_in_the_order_in_which_they_were_freed()
    {
        using Arena<uint> arena = Taken(100);
        uint[] order = Shuffled(100);
        foreach (uint id in order)
        {
            arena.Free(id, 1);
        }

        Assert.Equal(100u, arena.GetStatistics().LargestFree);
        Assert.Equal(order, order.Select(_ => arena.Allocate(1)));
        Assert.False(arena.TryAllocate(1, out _));
    }

    [Fact]
    public void What_was_never_used_comes_first()
    {
        using Arena<uint> arena = new("ids", 0, 100, 1, s_oldest);
        uint[] ids = [.. Enumerable.Range(0, 50).Select(_ => arena.Allocate(1))];
        Assert.Equal(Enumerable.Range(0, 50).Select(id => (uint)id), ids);
        arena.Free(49, 1);
        arena.Free(7, 1);
        IEnumerable<uint> unused = Enumerable.Range(50, 50).Select(id => (uint)id);
        Assert.Equal(unused, ids.Select(_ => arena.Allocate(1)));
        Assert.Equal((49u, 7u), (arena.Allocate(1), arena.Allocate(1)));
    }

    /// <summary>Failing and longer requests, claims, windows, other policies, figures: none of them changes the order of the
    /// rest.</summary>
    [Fact]
    public void Other_calls_do_not_change_the_order()
    {
        using Arena<uint> arena = Taken(64);
        uint[] order = Shuffled(64);
        foreach (uint id in order)
        {
            arena.Free(id, 1);
        }

        Assert.False(arena.TryAllocate(65, out _));
        _ = arena.GetStatistics();
        _ = arena.Explain(64);
        Assert.True(arena.TryAllocateAt(10, 1));
        Assert.True(arena.TryExtend(10, 1, 4));
        Assert.Equal(63u, arena.Allocate(1, FitPolicy.LastFit));
        Assert.Equal(20u, arena.AllocateConstrained(2, new() { Min = 20, Max = 22 }));
        List<uint> gone = [10, 11, 12, 13, 20, 21, 63];
        uint[] rest = [.. order.Where(id => !gone.Contains(id))];
        Assert.Equal(rest, rest.Select(_ => arena.Allocate(1)));
        arena.Validate();
    }

    /// <summary>Longer ranges are taken from behind older ones that are too short, and all of them go back to where they were.</summary>
    [Theory]
    [InlineData(1u)]
    [InlineData(2u)]
    [InlineData(5u)]
    public void Many_that_are_not_all_had_leave_the_order_as_it_was(uint size)
    {
        using Arena<uint> arena = Taken(200);
        SeededRandom random = new(size);
        List<(uint Start, uint Size)> held = [.. Enumerable.Range(0, 200).Select(id => ((uint)id, 1u))];
        for (int turn = 0; turn < 150; turn++)
        {
            for (int frees = random.Below(8); frees > 0 && held.Count > 0; frees--)
            {
                int index = random.Below(held.Count);
                arena.Free(held[index].Start, held[index].Size);
                held.RemoveAt(index);
            }

            uint[] order = Order(arena);
            Assert.Equal(0, arena.TryAllocateMany(size, new uint[(order.Length / (int)size) + 1], allOrNothing: true));
            Assert.Equal(order, Order(arena));
            arena.Validate();
            for (int takes = random.Below(5); takes > 0; takes--)
            {
                uint length = 1 + (uint)random.Below(6);
                if (arena.TryAllocate(length, out uint start))
                {
                    held.Add((start, length));
                }
            }
        }

        static uint[] Order(Arena<uint> arena) =>
            [.. arena.Snapshot().Freed.SelectMany(freed => Enumerable.Range((int)freed.Start, (int)freed.Size).Select(id => (uint)id))];
    }

    [Fact]
    public void Ranges_of_one_size_come_back_in_order()
    {
        using Arena<uint> arena = new("blocks", 0, 1_600, 1, s_oldest);
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal((uint)i * 16, arena.Allocate(16));
        }

        uint[] order = [.. Shuffled(100).Select(id => id * 16)];
        foreach (uint start in order)
        {
            arena.Free(start, 16);
        }

        Assert.Equal(order, order.Select(_ => arena.Allocate(16)));
    }

    [Fact]
    public void A_longer_request_includes_the_oldest_range_or_begins_there()
    {
        using Arena<uint> arena = Taken(100);
        arena.Free(50, 1);
        arena.Free(40, 1);
        arena.Free(51, 1);
        arena.Free(49, 1);
        Assert.Equal(50u, arena.Allocate(2));
        arena.Free(50, 2);
        Assert.Equal(40u, arena.Allocate(1));
        arena.Free(52, 1);
        Assert.Equal(49u, arena.Allocate(4));
        Assert.False(arena.TryAllocate(1, out _));
    }

    /// <summary>The order begins with the first such request; what was free before is older.</summary>
    [Fact]
    public void By_the_call_in_an_arena_of_another_policy()
    {
        using Arena<uint> arena = new("ids", 0, 10, 1);
        Assert.Equal(0u, arena.Allocate(1, FitPolicy.OldestFit));
        arena.Free(0, 1);
        Assert.Equal([1u, 2, 3], Enumerable.Range(0, 3).Select(_ => arena.Allocate(1, FitPolicy.OldestFit)));
        arena.Free(2, 1);
        arena.Free(1, 1);
        Assert.Equal([4u, 5, 6, 7, 8, 9, 0, 2, 1], Enumerable.Range(0, 9).Select(_ => arena.Allocate(1, FitPolicy.OldestFit)));
    }

    [Fact]
    public void The_order_is_in_a_snapshot()
    {
        using Arena<uint> arena = Taken(50);
        uint[] order = Shuffled(50);
        foreach (uint id in order)
        {
            arena.Free(id, 1);
        }

        ArenaSnapshot<uint> snapshot = arena.Snapshot();
        Assert.Equal(order, snapshot.Freed.Select(freed => freed.Start));
        using Arena<uint> restored = Arena<uint>.Restore(ArenaSnapshot<uint>.FromJson(snapshot.ToJson()));
        restored.Validate();
        Assert.Equal(order, order.Select(_ => restored.Allocate(1)));
    }

    [Theory]
    [InlineData("""["3","1"]""")]
    [InlineData("""["5","2"],["6","1"]""")]
    [InlineData("""["9","2"]""")]
    [InlineData("""["5","0"]""")]
    public void An_order_of_what_is_not_free_is_a_format_error(string freed)
    {
        string json = $$"""{"vmemSnapshot":1,"type":"UInt32","name":"ids","quantum":"1","policy":"OldestFit","spans":[{"start":"0","size":"10","imported":false,"allocated":[["3","1"]]}],"freed":[{{freed}}]}""";
        Assert.Throws<FormatException>(() => Arena<uint>.Restore(ArenaSnapshot<uint>.FromJson(json)));
    }

    [Fact]
    public void A_quantum_cache_is_refused()
    {
        foreach (FitPolicy policy in (FitPolicy[])[FitPolicy.OldestFit, FitPolicy.RandomFit])
        {
            ArgumentException refused = Assert.Throws<ArgumentException>(
                () => new Arena<uint>("ids", 1, new ArenaOptions<uint> { Policy = policy, QuantumCacheMax = 1 }));
            Assert.Contains(policy == FitPolicy.OldestFit ? "Oldest fit" : "Random fit", refused.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>Imports go back when they are empty, and a rest is over before a range begins to age.</summary>
    [Fact]
    public void Imports_and_rests_go_on()
    {
        using Arena<uint> source = new("source", 0, 64, 16);
        using Arena<uint> arena = new("ids", 1, s_oldest with { Source = source, RetainedImport = ArenaOptions<uint>.RetainNone });
        uint[] ids = [.. Enumerable.Range(0, 32).Select(_ => arena.Allocate(1))];
        Assert.Equal(32u, source.GetStatistics().InUse);
        arena.FreeAt(ids[0], 1, fence: 1);
        arena.Free(ids[1], 1);
        arena.CompleteFence(1);
        Assert.Equal((ids[1], ids[0]), (arena.Allocate(1), arena.Allocate(1)));
        arena.FreeMany(ids, 1);
        Assert.Equal((0u, 0u), (source.GetStatistics().InUse, arena.GetStatistics().TotalSize));
        arena.Validate();
    }

    private static Arena<uint> Taken(int count)
    {
        Arena<uint> arena = new("ids", 0, (uint)count, 1, s_oldest);
        for (int i = 0; i < count; i++)
        {
            Assert.Equal((uint)i, arena.Allocate(1));
        }

        return arena;
    }

    private static uint[] Shuffled(int count)
    {
        var random = new SeededRandom(7);
        uint[] order = [.. Enumerable.Range(0, count).Select(id => (uint)id)];
        for (int i = count - 1; i > 0; i--)
        {
            int other = random.Below(i + 1);
            (order[i], order[other]) = (order[other], order[i]);
        }

        return order;
    }
}
