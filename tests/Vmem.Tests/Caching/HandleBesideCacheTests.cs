using Vmem.Testing.Driving;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>Handles to ranges of sizes that quantum caches keep: a handle whose range was freed by address frees nothing more.</summary>
public sealed class HandleBesideCacheTests
{
    private static readonly ArenaOptions<ulong> s_cached = new() { QuantumCacheMax = 8 };

    public static TheoryData<string> WaysToFree => ["Free", "FreeConstrained", "FreeMany", "while recorded", "after TryExtend", "after handle", "restored"];

    [Theory]
    [MemberData(nameof(WaysToFree))]
    public void A_stale_handle_frees_nobody_elses_range(string way)
    {
        using Arena<ulong> first = new("handles", 0, 1 << 12, 1, s_cached);
        using Arena<ulong> second = way == "restored" ? Arena<ulong>.Restore(Prepared(first, out RangeHandle<ulong> handle), s_cached)
            : Prepare(first, out handle);
        Arena<ulong> arena = second;
        using ArenaRecording? recording = way == "while recorded" ? arena.Record(new MemoryStream()) : null;
        ulong size = handle.Size;
        switch (way)
        {
            case "FreeConstrained":
                arena.FreeConstrained(handle.Start, size);
                break;
            case "FreeMany":
                arena.FreeMany([handle.Start], size);
                break;
            case "after TryExtend":
                Assert.True(arena.TryExtend(handle.Start, size, --size));
                arena.Free(handle.Start, size);
                break;
            case "after handle":
                arena.Free(handle);
                break;
            default:
                arena.Free(handle.Start, size);
                break;
        }

        ulong[] others = [.. Enumerable.Range(0, 600).Select(_ => arena.Allocate(size))];
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => arena.Free(handle)).Reason);
        arena.Validate();
        List<ulong> more = [];
        while (arena.TryAllocate(size, out ulong start))
        {
            more.Add(start);
        }

        Assert.Equal(others.Length + more.Count, others.Concat(more).Distinct().Count());
        Assert.Contains(handle.Start, others.Concat(more));
    }

    /// <summary>One handle that lives does not keep others' ranges from the magazines, and the last one that ends leaves nothing
    /// behind.</summary>
    [Fact]
    public void A_handle_does_not_send_others_past_the_magazines()
    {
        using Arena<ulong> arena = new("handles", 0, 1 << 12, 1, s_cached);
        Assert.True(arena.TryAllocateHandle(4, out RangeHandle<ulong> handle));
        ulong[] starts = [.. Enumerable.Range(0, 10).Select(_ => arena.Allocate(4))];
        foreach (ulong start in starts)
        {
            arena.Free(start, 4);
        }

        ulong cached = arena.GetStatistics().Cached;
        Assert.True(cached >= 36, $"{cached} are cached");        // a free in a thousand shares its mark with the handle
        Assert.Equal(4ul, arena.GetStatistics().InUse);
        arena.Free(handle);
        Assert.Equal(0ul, arena.GetStatistics().InUse);
        arena.Validate();
    }

    /// <summary>Nor do those that have gone, however many they were, and though others stay.</summary>
    [Fact]
    public void Handles_that_have_gone_do_not_send_others_past_the_magazines()
    {
        using Arena<ulong> arena = new("handles", 0, 1 << 20, 1, s_cached);
        Assert.True(arena.TryAllocateHandle(4, out RangeHandle<ulong> stays));
        Assert.True(arena.TryAllocateHandle(40, out _));
        List<RangeHandle<ulong>> handles = [];
        while (arena.TryAllocateHandle(4, out RangeHandle<ulong> handle))
        {
            handles.Add(handle);
        }

        handles.ForEach(handle => arena.Free(handle));
        ulong cached = 0;
        for (int round = 0; round < 300; round++)
        {
            ulong[] starts = [.. Enumerable.Range(0, 100).Select(_ => arena.Allocate(4))];
            Array.ForEach(starts, start => arena.Free(start, 4));
            cached = arena.GetStatistics().Cached;
            arena.Reap();
        }

        Assert.True(cached >= 360, $"{cached} are cached");
        Assert.Throws<InvalidFreeException>(() => arena.Free(handles[0]));
        arena.Free(stays.Start, 4);
        ulong other = arena.Allocate(4);
        Assert.Throws<InvalidFreeException>(() => arena.Free(stays));
        arena.Free(other, 4);
        arena.Validate();
    }

    /// <summary>A range that is shortened to a cached size, or lengthened from one, is found by its handle all the same.</summary>
    [Theory]
    [InlineData(20, 4)]
    [InlineData(4, 20)]
    public void A_resized_range_is_freed_once(int before, int after)
    {
        (ulong old, ulong size) = ((ulong)before, (ulong)after);
        using Arena<ulong> arena = new("handles", 0, 1 << 12, 1, s_cached);
        Assert.True(arena.TryAllocateHandle(old, FitPolicy.FirstFit, out RangeHandle<ulong> handle));
        Assert.True(arena.TryExtend(handle.Start, old, size));
        arena.Free(handle.Start, size);
        Assert.True(arena.TryAllocate(size, FitPolicy.FirstFit, out ulong other));
        Assert.Throws<InvalidFreeException>(() => arena.Free(handle));
        arena.Free(other, size);
        arena.Reap();
        Assert.Equal("{0+4096: (0+4096)}", ArenaPicture.Segments(arena));
    }

    /// <summary>Frees by address and by handle, of either kind of range, at random: each range is freed once, and every other free is
    /// refused.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Each_range_is_freed_once(ulong seed)
    {
        SeededRandom random = new(seed);
        using Arena<ulong> arena = new("handles", 0, 1 << 14, 1, s_cached);
        List<(ulong Start, ulong Size)> held = [];
        List<RangeHandle<ulong>> stale = [];
        List<RangeHandle<ulong>> handles = [];
        for (int step = 0; step < 20_000; step++)
        {
            ulong size = 1 + (ulong)random.Below(12);
            switch (random.Below(6))
            {
                case 0 when arena.TryAllocate(size, out ulong start):
                    held.Add((start, size));
                    break;
                case 1 when arena.TryAllocateHandle(size, out RangeHandle<ulong> handle):
                    handles.Add(handle);
                    break;
                case 2 when held.Count > 0:
                    (ulong freed, ulong length) = TakeAny(held, random);
                    arena.Free(freed, length);
                    break;
                case 3 when handles.Count > 0:
                    RangeHandle<ulong> ended = TakeAny(handles, random);
                    arena.Free(ended.Start, ended.Size);
                    stale.Add(ended);
                    break;
                case 4 when handles.Count > 0:
                    RangeHandle<ulong> done = TakeAny(handles, random);
                    arena.Free(done);
                    stale.Add(done);
                    break;
                case 5 when stale.Count > 0:
                    RangeHandle<ulong> old = stale[random.Below(stale.Count)];
                    Assert.Throws<InvalidFreeException>(() => arena.Free(old));
                    break;
            }
        }

        Assert.Equal(held.Sum(range => (long)range.Size) + handles.Sum(handle => (long)handle.Size), (long)arena.GetStatistics().InUse);
        arena.Validate();
        held.ForEach(range => arena.Free(range.Start, range.Size));
        handles.ForEach(handle => arena.Free(handle));
        arena.Reap();
        Assert.Equal("{0+16384: (0+16384)}", ArenaPicture.Segments(arena));
    }

    private static TItem TakeAny<TItem>(List<TItem> items, SeededRandom random)
    {
        int index = random.Below(items.Count);
        TItem item = items[index];
        items.RemoveAt(index);
        return item;
    }

    private static Arena<ulong> Prepare(Arena<ulong> arena, out RangeHandle<ulong> handle)
    {
        Assert.True(arena.TryAllocateHandle(4, out handle));
        return arena;
    }

    private static ArenaSnapshot<ulong> Prepared(Arena<ulong> arena, out RangeHandle<ulong> handle) =>
        Prepare(arena, out handle).Snapshot();
}
