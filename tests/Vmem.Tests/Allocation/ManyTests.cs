using Vmem.Testing.Driving;
using Xunit;

namespace Vmem.Tests.Allocation;

public class ManyTests
{
    [Theory]
    [InlineData(FitPolicy.InstantFit)]
    [InlineData(FitPolicy.BestFit)]
    [InlineData(FitPolicy.NextFit)]
    [InlineData(FitPolicy.FirstFit)]
    [InlineData(FitPolicy.LastFit)]
    public void As_many_are_given_as_there_is_room_for(FitPolicy policy)
    {
        using Arena<uint> arena = new("many", 0, 100, 1, new ArenaOptions<uint> { Policy = policy });
        uint[] starts = new uint[20];
        Assert.Equal(10, arena.TryAllocateMany(10, starts));
        Assert.Equal(Enumerable.Range(0, 10).Select(i => (uint)i * 10), starts[..10].Order());
        Assert.Equal(10, arena.GetStatistics().Allocations);
        Assert.Equal(0, arena.TryAllocateMany(1, starts));
        arena.FreeMany(starts.AsSpan(0, 10), 10);
        Assert.Equal(10, arena.GetStatistics().Frees);
        Assert.Equal("{0+100: (0+100)}", ArenaPicture.Segments(arena));
        arena.Validate();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_was_not_given_leaves_the_rest_as_it_was(bool caches)
    {
        using Arena<uint> arena = new("many", 0, 200, 1, new ArenaOptions<uint> { QuantumCacheMax = caches ? 8u : 0 });
        uint[] starts = [.. Enumerable.Repeat(4_711u, 300)];
        int given = arena.TryAllocateMany(3, starts);
        Assert.InRange(given, 60, 66);
        Assert.All(starts[..given], static start => Assert.InRange(start, 0u, 197u));
        Assert.All(starts[given..], static start => Assert.Equal(4_711u, start));
    }

    [Fact]
    public void Of_a_size_that_caches_keep_those_before_the_mistake_are_free()
    {
        using Arena<uint> arena = new("many", 0, 200, 1, new ArenaOptions<uint> { QuantumCacheMax = 8 });
        uint[] starts = new uint[4];
        Assert.Equal(4, arena.TryAllocateMany(3, starts));
        uint[] batch = [starts[0], starts[1], starts[0], starts[2]];
        InvalidFreeException wrong = Assert.Throws<InvalidFreeException>(() => arena.FreeMany(batch, 3));
        Assert.Equal(InvalidFreeReason.AlreadyFree, wrong.Reason);
        Assert.Equal(6u, arena.GetStatistics().InUse);
        arena.FreeMany(starts.AsSpan(2), 3);
        Assert.Equal(0u, arena.GetStatistics().InUse);
        arena.Validate();
    }

    [Fact]
    public void None_is_no_error()
    {
        using Arena<uint> arena = new("many", 0, 100, 1);
        Assert.Equal(0, arena.TryAllocateMany(10, []));
        arena.FreeMany([], 10);
        Assert.Equal(0, arena.GetStatistics().Allocations);
    }

    [Fact]
    public void A_batch_takes_no_range_that_belongs_to_a_handle()
    {
        using Arena<uint> arena = new("many", 0, 100, 1, new ArenaOptions<uint> { Policy = FitPolicy.FirstFit });
        arena.Allocate(10);
        arena.TryAllocateHandle(10, out RangeHandle<uint> handle);
        string before = ArenaPicture.Of(arena);
        Assert.Equal(InvalidFreeReason.OtherOwner, Assert.Throws<InvalidFreeException>(() => arena.FreeMany([0, handle.Start], 10)).Reason);
        Assert.Equal(before, ArenaPicture.Of(arena));
        arena.Free(handle);
        arena.Validate();
    }

    [Theory]
    [InlineData(5u)]
    [InlineData(500u)]
    [InlineData(30u)]
    [InlineData(10u)]
    [InlineData(50u)]
    public void A_wrong_start_anywhere_frees_none(uint wrong)
    {
        // [0, 40) in tens, a range of another size at 50, and the rest free; 10 is a duplicate.
        using Arena<uint> arena = new("many", 0, 100, 1, new ArenaOptions<uint> { Policy = FitPolicy.FirstFit });
        uint[] starts = new uint[5];
        arena.TryAllocateMany(10, starts);
        arena.Allocate(7);
        arena.Free(30, 10);
        string before = ArenaPicture.Of(arena);
        uint[][] batches = [[wrong, 0, 10, 20], [0, 10, wrong, 20], [0, 10, 20, wrong]];
        foreach (uint[] batch in batches)
        {
            Assert.Throws<InvalidFreeException>(() => arena.FreeMany(batch, 10));
            Assert.Equal(before, ArenaPicture.Of(arena));
            arena.Validate();
        }
    }

    /// <summary>Putting a wrong batch back must not need what only an allocation reserves, whatever the state of the table of live
    /// segments.</summary>
    [Theory]
    [InlineData(200)]
    [InlineData(4_096)]
    public void A_large_wrong_batch_is_undone(int count)
    {
        using Arena<uint> arena = new("many", 0, 4_096, 1, new ArenaOptions<uint> { Policy = FitPolicy.FirstFit });
        uint[] starts = new uint[count + 1];
        Assert.Equal(count, arena.TryAllocateMany(1, starts.AsSpan(0, count)));
        starts[count] = 5_000;
        string before = ArenaPicture.Of(arena);
        Assert.Throws<InvalidFreeException>(() => arena.FreeMany(starts, 1));
        Assert.Equal(before, ArenaPicture.Of(arena));
        arena.Validate();
        arena.FreeMany(starts.AsSpan(0, count), 1);
        Assert.Equal(0u, arena.GetStatistics().InUse);
    }
}
