using Xunit;

namespace Vmem.Tests.Resting;

/// <summary>What begins or ends its rest is looked up by its address, and lies behind so many others that it takes several steps.</summary>
public sealed class FarRestsTests
{
    private const int Many = 20_000;

    private static Arena<uint> Filled(out RangeHandle<uint>[] handles)
    {
        Arena<uint> arena = new("far", 0, 3 * Many, 1);
        handles = new RangeHandle<uint>[Many];
        for (int i = 0; i < Many; i++)
        {
            Assert.True(arena.TryAllocateHandle(3, out handles[i]));
        }

        return arena;
    }

    /// <summary>All but the last go, and others come in their place: the last one's tag has moved by then.</summary>
    private static void Replace(Arena<uint> arena, RangeHandle<uint>[] handles)
    {
        foreach (RangeHandle<uint> handle in handles.AsSpan(0, Many - 1))
        {
            arena.Free(handle);
        }

        arena.Reap();
        while (arena.GetStatistics().Free > 0)
        {
            Assert.True(arena.TryAllocateHandle(3, out _));
        }
    }

    /// <summary>A table knows ranges by address, but not those of handles.</summary>
    [Fact]
    public void A_range_of_a_handle_rests_that_is_freed_by_its_address()
    {
        using Arena<uint> arena = Filled(out RangeHandle<uint>[] handles);
        RangeHandle<uint> far = handles[Many - 10];
        arena.FreeAt(far.Start, 3, fence: 1);
        Assert.Equal((3u, 3u * (Many - 1)), (arena.GetStatistics().Resting, arena.GetStatistics().InUse));
        arena.Validate();
    }

    [Fact]
    public void A_range_rests_whose_handle_has_another_tag_by_now()
    {
        using Arena<uint> arena = Filled(out RangeHandle<uint>[] handles);
        Replace(arena, handles);
        arena.FreeAt(handles[^1], fence: 1);
        Assert.Equal((3u, 3u * (Many - 1)), (arena.GetStatistics().Resting, arena.GetStatistics().InUse));
        arena.Validate();
    }

    [Fact]
    public void A_rest_ends_of_what_has_another_tag_by_now()
    {
        using Arena<uint> arena = Filled(out RangeHandle<uint>[] handles);
        arena.FreeAt(handles[^1], fence: 1);
        Replace(arena, handles);
        Assert.Equal(3u, arena.GetStatistics().Resting);
        arena.CompleteFence(1);
        Assert.Equal((0u, 3u), (arena.GetStatistics().Resting, arena.GetStatistics().Free));
        arena.Validate();
    }
}
