using Vmem.Testing.Driving;
using Vmem.Testing.Internals;
using Xunit;

namespace Vmem.Tests.Claiming;

public class PartTests
{
    [Fact]
    public void A_split_range_is_two()
    {
        using Arena<uint> arena = new("split", 0, 64, 8);
        Assert.Equal(0u, arena.Allocate(33));
        arena.Split(0, 33, 16);
        Assert.Equal("{0+64: 0+16 16+24 (40+24)}", ArenaPicture.Segments(arena));
        Assert.Equal((2L, 0L), (arena.GetStatistics().Allocations, arena.GetStatistics().Frees));
        arena.Free(0, 16);
        Assert.Throws<InvalidFreeException>(() => arena.Free(16, 16));
        arena.Free(16, 24);
        Assert.Equal(2, arena.GetStatistics().Frees);
        arena.Validate();
    }

    [Fact]
    public void A_part_is_freed_and_the_rest_stays()
    {
        using Arena<byte> arena = new("part", 128, 128, 1);
        Assert.True(arena.TryAllocateAt(128, 128));
        arena.FreePart(128, 128, 140, 10);
        Assert.Equal("{128+128: 128+12 (140+10) 150+106}", ArenaPicture.Segments(arena));
        arena.FreePart(150, 106, 250, 6);
        arena.FreePart(150, 100, 150, 10);
        Assert.Equal("{128+128: 128+12 (140+20) 160+90 (250+6)}", ArenaPicture.Segments(arena));
        arena.FreePart(128, 12, 128, 12);
        Assert.Equal("{128+128: (128+32) 160+90 (250+6)}", ArenaPicture.Segments(arena));
        arena.Free(160, 90);
        Assert.Equal(arena.GetStatistics().Allocations, arena.GetStatistics().Frees);
        arena.Validate();
    }

    [Fact]
    public void A_range_moves_over_itself_or_far_away_or_not_at_all()
    {
        using Arena<byte> arena = new("move", 100, 156, 1);
        Assert.True(arena.TryAllocateAt(150, 50));
        Assert.True(arena.TryMove(150, 50, 206));                // to the top, over itself: 56 up of 50 is past itself
        Assert.True(arena.TryMove(206, 50, 180));
        Assert.True(arena.TryMove(180, 50, 206));
        Assert.True(arena.TryMove(206, 50, 206));
        Assert.True(arena.TryMove(206, 50, 100));
        Assert.True(arena.TryAllocateAt(160, 1));
        Assert.True(arena.TryMove(100, 50, 110));
        Assert.False(arena.TryMove(110, 50, 111));
        Assert.True(arena.TryMove(110, 50, 200));
        Assert.False(arena.TryMove(200, 50, 157));
        Assert.Equal((2L, 0L), (arena.GetStatistics().Allocations, arena.GetStatistics().Frees));
        Assert.Throws<ArgumentException>(() => arena.TryMove(200, 50, 207));
        arena.Validate();
    }

    [Fact]
    public void What_is_no_part_or_no_range_is_refused()
    {
        using Arena<uint> arena = new("wrong", 0, 64, 8);
        arena.TryAllocateAt(8, 32);
        string before = ArenaPicture.Of(arena);
        Assert.Throws<ArgumentException>(() => arena.Split(8, 32, 12));
        Assert.Throws<ArgumentException>(() => arena.Split(8, 32, 8));
        Assert.Throws<ArgumentException>(() => arena.Split(8, 32, 40));
        Assert.Throws<ArgumentException>(() => arena.FreePart(8, 32, 12, 8));
        Assert.Throws<ArgumentException>(() => arena.FreePart(8, 32, 32, 9));
        Assert.Throws<ArgumentException>(() => arena.FreePart(8, 32, 0, 16));
        Assert.Throws<ArgumentOutOfRangeException>(() => arena.FreePart(8, 32, 16, 0));
        Assert.Throws<ArgumentException>(() => arena.TryMove(8, 32, 4));
        Assert.Equal(InvalidFreeReason.WrongSize, Assert.Throws<InvalidFreeException>(() => arena.Split(8, 40, 16)).Reason);
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => arena.FreePart(0, 16, 0, 8)).Reason);
        Assert.Equal(InvalidFreeReason.InteriorAddress, Assert.Throws<InvalidFreeException>(() => arena.TryMove(16, 8, 48)).Reason);
        Assert.Equal(before, ArenaPicture.Of(arena));
        arena.Validate();
    }

    [Fact]
    public void A_handle_stays_with_what_begins_at_its_start()
    {
        using Arena<uint> arena = new("handle", 0, 64, 1);
        Assert.True(arena.TryAllocateHandle(30, out RangeHandle<uint> handle));
        arena.Split(0, 30, 20);
        arena.FreePart(0, 20, 5, 5);
        Assert.Equal("{0+64: 0+5 (5+5) 10+10 20+10 (30+34)}", ArenaPicture.Segments(arena));
        arena.Free(handle);
        arena.Free(10, 10);
        arena.Free(20, 10);
        Assert.True(arena.TryAllocateHandle(30, out handle));
        arena.FreePart(0, 30, 0, 10);
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => arena.Free(handle)).Reason);
        arena.Free(10, 20);
        Assert.True(arena.TryAllocateHandle(30, out handle));
        Assert.True(arena.TryMove(0, 30, 1));
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => arena.Free(handle)).Reason);
        arena.Free(1, 30);
        arena.Validate();
    }

    [Fact]
    public void A_resized_handle_stays_true()
    {
        using Arena<uint> arena = new("resize", 0, 64, 1);
        Assert.True(arena.TryAllocateHandle(10, out RangeHandle<uint> handle));
        Assert.True(arena.TryExtend(handle, 20, out RangeHandle<uint> longer));
        Assert.Equal(20u, longer.Size);
        Assert.True(arena.TryExtend(handle, 15, out _));
        arena.FreeMany([handle]);
        Assert.Throws<InvalidFreeException>(() => arena.FreeMany([longer]));
        arena.Validate();
    }

    [Fact]
    public void Cached_ranges_have_parts_and_can_be_moved()
    {
        using Arena<uint> arena = new("cached", 0, 1024, 1, new ArenaOptions<uint> { QuantumCacheMax = 8 });
        uint[] starts = [.. Enumerable.Range(0, 100).Select(_ => arena.Allocate(8))];
        arena.Split(starts[10], 8, starts[10] + 3);
        arena.FreePart(starts[20], 8, starts[20] + 2, 2);
        arena.Free(starts[30], 8);
        Assert.Throws<InvalidFreeException>(() => arena.Split(starts[30], 8, starts[30] + 1));
        Assert.True(arena.TryMove(starts[40], 8, starts[30]));   // what lies in a magazine is free
        Assert.False(arena.TryMove(starts[50], 8, starts[60]));
        Assert.Equal((99 * 8u) - 2, arena.GetStatistics().InUse);
        arena.Free(starts[10], 3);
        arena.Free(starts[10] + 3);
        arena.Free(starts[20], 2);
        arena.Free(starts[20] + 4, 4);
        arena.Validate();
    }

    [Fact]
    public void A_free_needs_no_size()
    {
        using Arena<uint> arena = new("start", 0, 1024, 4, new ArenaOptions<uint> { QuantumCacheMax = 16 });
        uint cached = arena.Allocate(9);
        uint large = arena.Allocate(100);
        Assert.True(arena.TryAllocateHandle(40, out RangeHandle<uint> handle));
        Assert.True(arena.IsAllocated(cached) && arena.IsAllocated(large) && arena.IsAllocated(handle.Start));
        Assert.False(arena.IsAllocated(large + 4) || arena.IsAllocated(2000));
        Assert.Equal(InvalidFreeReason.InteriorAddress, Assert.Throws<InvalidFreeException>(() => arena.Free(large + 4)).Reason);
        Assert.Equal(InvalidFreeReason.NotAllocated, Assert.Throws<InvalidFreeException>(() => arena.Free(2000u)).Reason);
        Assert.Contains("was asked to free what begins at 2000.", Assert.Throws<InvalidFreeException>(() => arena.Free(2000u)).Message, StringComparison.Ordinal);
        Assert.Equal(InvalidFreeReason.InteriorAddress, Assert.Throws<InvalidFreeException>(() => arena.Free(cached + 4)).Reason);
        arena.Free(cached);
        arena.Free(large);
        arena.Free(handle.Start);
        Assert.False(arena.IsAllocated(cached) || arena.IsAllocated(large));
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => arena.Free(large)).Reason);
        Assert.Equal(0u, arena.GetStatistics().InUse);
        Assert.Throws<InvalidFreeException>(() => arena.Free(handle));
        arena.Validate();
    }

    [Fact]
    public void Handles_are_freed_together_or_not_at_all()
    {
        using Arena<uint> arena = new("many", 0, 1024, 1);
        var handles = new RangeHandle<uint>[10];
        for (uint i = 0; i < handles.Length; i++)
        {
            Assert.True(arena.TryAllocateHandle(i + 1, out handles[i]));
        }

        string before = ArenaPicture.Of(arena);
        Assert.Contains("Handle 10 of 11, which may appear twice:",
            Assert.Throws<InvalidFreeException>(() => arena.FreeMany([.. handles, handles[3]])).Message, StringComparison.Ordinal);
        Assert.Equal(InvalidFreeReason.NotAllocated,
            Assert.Throws<InvalidFreeException>(() => arena.FreeMany([.. handles, default])).Reason);
        Assert.Equal(before, ArenaPicture.Of(arena));
        arena.Validate();
        arena.Free(handles[4]);
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => arena.FreeMany(handles)).Reason);
        arena.FreeMany([.. handles[..4], .. handles[5..]]);
        Assert.Equal(0u, arena.GetStatistics().InUse);
        arena.FreeMany(ReadOnlySpan<RangeHandle<uint>>.Empty);
        arena.Validate();
    }

    [Fact]
    public void Handles_whose_tags_were_moved_are_freed_together()
    {
        using Arena<uint> arena = new("trimmed", 0, 1 << 20, 1);
        var handles = new RangeHandle<uint>[4_000];
        for (int i = 0; i < handles.Length; i++)
        {
            Assert.True(arena.TryAllocateHandle(1, out handles[i]));
        }

        arena.FreeMany(handles.AsSpan(0, 3_990));
        _ = arena.Reap();
        arena.FreeMany(handles.AsSpan(3_990));
        Assert.Equal(0u, arena.GetStatistics().InUse);
        arena.Validate();
    }

    [Fact]
    public void An_import_stays_while_its_only_range_moves()
    {
        using Arena<uint> below = new("below", 0, 64, 32);
        using Arena<uint> arena = new("above", 1, new ArenaOptions<uint> { Source = below });
        Assert.Equal(0u, arena.Allocate(10));
        Assert.True(arena.TryMove(0, 10, 5));
        Assert.True(arena.TryMove(5, 10, 20));
        Assert.Equal((1L, 0L), (arena.GetStatistics().Imports, arena.GetStatistics().Releases));
        arena.FreePart(20, 10, 20, 10);
        arena.Validate();
    }

    [Fact]
    public void An_audit_follows_parts_and_moves()
    {
        using Arena<uint> arena = new("audited", 0, 100, 1, new ArenaOptions<uint> { Audit = true });
        arena.Allocate(50);
        arena.Split(0, 50, 20);
        arena.FreePart(20, 30, 30, 10);
        Assert.True(arena.TryMove(40, 10, 60));
        Assert.True(arena.TryMove(60, 10, 61));
        (uint Start, uint Size)[] ranges = [.. arena.GetAuditReport().Groups.SelectMany(group => group.First).Select(range =>
            (range.Start, range.Size)).Order()];
        Assert.Equal([(0u, 20u), (20u, 10u), (61u, 10u)], ranges);
        Assert.All(arena.GetAuditReport().Groups.SelectMany(group => group.First), range => Assert.Equal(AuditCall.Allocate, range.Call));
        Assert.Contains("It was moved", Assert.Throws<InvalidFreeException>(() => arena.Free(62u)).Message, StringComparison.Ordinal);
        arena.Free(61u);
        arena.Validate();
    }

    [Fact]
    public void A_waiter_is_served_by_a_part_and_by_a_move()
    {
        using Arena<uint> arena = new("wait", 0, 20, 1);
        arena.TryAllocateAt(0, 20);
        ValueTask<uint> waits = arena.AllocateAsync(5, TestContext.Current.CancellationToken);
        arena.FreePart(0, 20, 5, 5);
        Assert.True(waits.IsCompletedSuccessfully);
        arena.FreePart(10, 10, 18, 2);
        arena.FreePart(10, 8, 10, 2);
        waits = arena.AllocateAsync(4, TestContext.Current.CancellationToken);
        Assert.False(waits.IsCompleted);
        Assert.True(arena.TryMove(12, 6, 10));
        Assert.True(waits.IsCompletedSuccessfully);
    }

    [Fact]
    public void Parts_and_moves_make_no_garbage()
    {
        using Arena<ulong> arena = new("clean", 0, 1 << 20, 16);
        var handles = new RangeHandle<ulong>[8];
        Assert.Equal(0, Garbage.Of(1_000, () =>
        {
            ulong start = arena.Allocate(160);
            arena.Split(start, 160, start + 80);
            arena.FreePart(start, 80, start + 16, 16);
            arena.Free(start, 16);
            arena.Free(start + 32);
            Assert.True(arena.TryMove(start + 80, 80, 1 << 19));
            Assert.True(arena.TryMove(1 << 19, 80, (1 << 19) + 16));
            arena.Free((1 << 19) + 16);
            for (int i = 0; i < handles.Length; i++)
            {
                _ = arena.TryAllocateHandle(100, out handles[i]);
            }

            arena.FreeMany(handles);
        }));
    }
}
