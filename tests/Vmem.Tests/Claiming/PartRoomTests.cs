using Vmem.Testing.Recording;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Claiming;

/// <summary>What parts and moves leave beside themselves: in a recording, in imports, in caches, in what rests, and under the lock of a
/// draining span.</summary>
public sealed class PartRoomTests
{
    [Fact]
    public void Parts_and_moves_are_recorded()
    {
        using Arena<uint> arena = new("recorded", 0, 256, 1);
        using RecordedArena<uint> recorded = new(arena);
        uint start = arena.Allocate(60);
        arena.Split(start, 60, start + 20);
        arena.FreePart(start + 20, 40, start + 30, 10);
        arena.FreePart(start, 20, start, 5);
        arena.FreePart(start + 5, 15, start + 10, 10);
        Assert.True(arena.TryMove(start + 5, 5, start + 8));
        Assert.True(arena.TryMove(start + 8, 5, 200));
        Assert.False(arena.TryMove(200, 5, start + 20));
        _ = recorded.Check();
        arena.Validate();
    }

    /// <summary>A part of a handle's range that is of a cached size is no range of the caches.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_first_part_of_what_a_handle_holds_is_no_range_of_the_caches(bool frees)
    {
        using Arena<uint> arena = new("cached", 0, 1_024, 1, new ArenaOptions<uint> { QuantumCacheMax = 8 });
        Assert.True(arena.TryAllocateHandle(30, out RangeHandle<uint> handle));
        if (frees)
        {
            arena.FreePart(handle.Start, 30, handle.Start + 5, 25);
        }
        else
        {
            arena.Split(handle.Start, 30, handle.Start + 5);
            arena.Free(handle.Start + 5, 25);
        }

        arena.Free(handle.Start, 5);
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => arena.Free(handle)).Reason);
        uint[] others = [.. Enumerable.Range(0, 100).Select(_ => arena.Allocate(5))];
        Assert.Equal(100, others.Distinct().Count());
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => arena.Free(handle)).Reason);
        arena.Validate();
    }

    /// <summary>Into an import that is empty and kept, and out of one that becomes empty.</summary>
    [Fact]
    public void A_move_uses_an_empty_import_and_leaves_one()
    {
        using Arena<uint> pool = new("pool", 0, 128, 64);
        using Arena<uint> arena = new("above", 1, new ArenaOptions<uint> { Source = pool });
        uint one = arena.Allocate(64);
        uint two = arena.Allocate(64);
        arena.Free(two, 64);
        Assert.Equal(128u, arena.GetStatistics().Imported);
        Assert.True(arena.TryMove(one, 64, two));
        arena.Validate();
        Assert.Equal((128u, 64u), (arena.GetStatistics().Imported, arena.GetStatistics().InUse));
        Assert.Equal(64u, arena.Reap());
        Assert.Equal((64u, 64u), (arena.GetStatistics().Imported, pool.GetStatistics().InUse));
        arena.Free(two, 64);
        arena.Validate();
    }

    [Fact]
    public void A_part_rests_as_a_whole_range_would()
    {
        ManualTime time = new();
        ArenaOptions<uint> options = new() { ReuseDelay = TimeSpan.FromSeconds(1), TimeProvider = time };
        using Arena<uint> arena = new("rests", 0, 64, 1, options);
        uint start = arena.Allocate(30);
        arena.FreePart(start, 30, start + 10, 10);
        Assert.Equal((10u, 20u), (arena.GetStatistics().Resting, arena.GetStatistics().InUse));
        Assert.Equal(1, time.Timers);
        arena.Validate();
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((0u, 44u), (arena.GetStatistics().Resting, arena.GetStatistics().Free));
        arena.Validate();
    }

    [Fact]
    public void Nothing_moves_into_a_span_that_drains_and_what_lies_there_stays_or_leaves()
    {
        using Arena<uint> arena = new("drains", 0, 64, 1);
        arena.AddSpan(100, 64);
        Assert.True(arena.TryAllocateAt(10, 10));
        Assert.True(arena.TryAllocateAt(110, 10));
        Assert.True(arena.TryDrainSpan(100));
        Assert.False(arena.TryMove(10, 10, 130));
        Assert.False(arena.TryMove(110, 10, 130));
        Assert.True(arena.TryMove(110, 10, 110));
        Assert.True(arena.TryMove(110, 10, 30));
        Assert.False(arena.Contains(100));
        arena.Validate();
    }

    [Fact]
    public void Both_parts_of_a_cut_tell_an_audit_that_it_was_cut()
    {
        using Arena<uint> arena = new("audited", 0, 100, 1, new ArenaOptions<uint> { Audit = true });
        _ = arena.Allocate(50);
        arena.Split(0, 50, 20);
        string front = Assert.Throws<InvalidFreeException>(() => arena.Free(1u)).Message;
        string back = Assert.Throws<InvalidFreeException>(() => arena.Free(21u)).Message;
        Assert.Contains("The range of 20 at 0 was allocated", front, StringComparison.Ordinal);
        Assert.Contains("The range of 30 at 20 was allocated", back, StringComparison.Ordinal);
        Assert.All([front, back], story => Assert.Contains("Its size was changed", story, StringComparison.Ordinal));
    }

    /// <summary>A cut in two counts as an allocation, and neither half raises the peak.</summary>
    [Fact]
    public void Parts_are_counted_and_the_peak_is_what_was_held()
    {
        using Arena<uint> arena = new("counted", 0, 64, 1);
        uint start = arena.Allocate(40);
        arena.FreePart(start, 40, start + 10, 20);
        ArenaStatistics<uint> figures = arena.GetStatistics();
        Assert.Equal((3L, 1L, 2L, 40u, 20u), (figures.Allocations, figures.Frees, figures.LiveSegments, figures.PeakInUse, figures.InUse));
    }

    /// <summary>The report of what was lost has ranges in the order of their places, however many there are.</summary>
    [Fact]
    public void More_ranges_than_one_lock_takes_away_are_all_revoked()
    {
        List<ArenaRevocation<uint>> reports = [];
        using Arena<uint> pool = new("pool", 0, 4_096, 2_048);
        using Arena<uint> arena = new("leased", 1, new ArenaOptions<uint> { Source = pool, Revoked = reports.Add });
        uint[] starts = [.. Enumerable.Range(0, 2_048).Select(_ => arena.Allocate(1))];
        for (int i = 0; i < starts.Length; i += 4)
        {
            arena.FreeAt(starts[i], 1, fence: 1);
            arena.Free(starts[i + 1], 1);
        }

        Assert.True(arena.Revoke(starts.Min(), 2_048));
        uint[] lost = [.. starts.Where((_, i) => i % 4 > 1).Order()];
        Assert.Equal(lost, Assert.Single(reports).Ranges.Select(range => range.Start));
        Assert.Equal((0u, 0u, 0u), (arena.GetStatistics().TotalSize, arena.GetStatistics().Resting, arena.GetStatistics().InUse));
        arena.CompleteFence(1);
        arena.Validate();
    }
}
