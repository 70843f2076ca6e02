using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>Spans come from the store, ranges from spans.</summary>
public sealed class LeasedArenaTests : LeasedArenaFixture
{
    [Fact]
    public async Task It_hands_out_ranges_of_leased_spans_with_their_fence()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        LeasedRange<ulong> one = await arena.AllocateAsync(3, default, Token);
        LeasedRange<ulong> two = await arena.AllocateAsync(5, default, Token);
        Assert.Equal((1000ul, 3ul), (one.Start, one.Size));
        Assert.Equal((1003ul, 5ul), (two.Start, two.Size));
        Assert.Equal(one.Fence, two.Fence);
        LeaseExtent extent = (await Processes.Memory.ListAsync(1, Token))[0];
        Assert.Equal(((UInt128)8, one.Fence), (extent.Size, extent.Fence));
    }

    [Fact]
    public async Task Processes_get_ranges_that_never_overlap_and_fences_that_grow()
    {
        LeasedArena<ulong> one = await OpenAsync(await Processes.OpenAsync());
        LeasedArena<ulong> other = await OpenAsync(await Processes.OpenOtherAsync());
        HashSet<ulong> seen = [];
        for (int i = 0; i < 32; i++)
        {
            Assert.True(seen.Add((await one.AllocateAsync(1, default, Token)).Start));
            Assert.True(seen.Add((await other.AllocateAsync(1, default, Token)).Start));
        }
    }

    [Fact]
    public async Task With_a_stock_the_network_is_asked_ahead()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync(), Fleet.Ids(64, 8, 2));
        Assert.Equal(2, Processes.Network.Grants);
        Assert.True(arena.TryAllocate(8, out _));
        Assert.True(arena.TryAllocate(8, out _));
    }

    [Fact]
    public async Task Without_a_lease_at_hand_TryAllocate_fails_and_has_one_brought()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        Assert.False(arena.TryAllocate(4, out LeasedRange<ulong> range));
        await Eventually.HoldsAsync(() => arena.TryAllocate(4, out range));

        Assert.Equal(1000ul, range.Start);
    }

    [Fact]
    public async Task TryAllocate_never_calls_the_store_on_its_thread()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        int caller = Environment.CurrentManagedThreadId;
        bool isAsked = false;
        bool isInside = false;
        Processes.Network.Fate = _ =>
        {
            isAsked |= isInside && Environment.CurrentManagedThreadId == caller;
            return CallFate.Answered;
        };
        for (int i = 0; i < 64; i++)
        {
            isInside = true;
            bool met = arena.TryAllocate(1, out LeasedRange<ulong> range);
            isInside = false;
            if (met)
            {
                isInside = true;
                arena.Free(range);
                isInside = false;
            }
        }

        Assert.False(isAsked);
    }

    [Fact]
    public async Task A_request_larger_than_a_span_leases_what_it_needs()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        Assert.Equal(20ul, (await arena.AllocateAsync(20, default, Token)).Size);
    }

    [Fact]
    public async Task Near_the_end_smaller_spans_are_leased()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync(), Fleet.Ids(20, 16));
        LeasedArena<ulong> other = await OpenAsync(await Processes.OpenOtherAsync(), Fleet.Ids(20, 16));
        await arena.AllocateAsync(16, default, Token);
        Assert.Equal(1016ul, (await other.AllocateAsync(3, default, Token)).Start);
    }

    [Theory]
    [InlineData(16, 0, 0, 0, 1008)]
    [InlineData(16, 4, 0, 0, 1012)]
    [InlineData(0, 0, 1010, 1030, 1010)]
    public async Task Constraints_are_kept(ulong align, ulong phase, ulong min, ulong max, ulong expected)
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        RangeConstraints<ulong> constraints = new() { Align = align, Phase = phase, Min = min, Max = max };
        Assert.Equal(expected, (await arena.AllocateAsync(4, constraints, Token)).Start);
    }

    [Fact]
    public async Task A_boundary_is_not_crossed()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        for (int i = 0; i < 3; i++)
        {
            LeasedRange<ulong> range = await arena.AllocateAsync(12, new RangeConstraints<ulong> { NoCross = 16 }, Token);
            Assert.Equal(range.Start / 16, (range.Start + 11) / 16);
        }
    }

    [Fact]
    public async Task Spans_that_are_not_needed_go_back_clean_only_if_all_was_freed_clean()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        LeasedRange<ulong> clean = await arena.AllocateAsync(8, default, Token);
        LeasedRange<ulong> used = await arena.AllocateAsync(8, default, Token);
        arena.Free(clean, clean: true);
        arena.Free(used);
        await UntilAsync(async () =>
        {
            LeaseUsage usage = await Processes.Memory.GetUsageAsync(1, Token);
            return usage.Leased == 0;
        });
        Assert.Equal(["1000+8 Free", "1008+8 Quarantined", "1016+48 Free"],
            (await Processes.Memory.ListAsync(1, Token)).Select(extent => $"{extent.Start}+{extent.Size} {extent.State}"));
    }

    [Fact]
    public async Task The_list_shows_all_processes()
    {
        LeasedArena<ulong> one = await OpenAsync(await Processes.OpenAsync());
        LeasedArena<ulong> other = await OpenAsync(await Processes.OpenOtherAsync());
        await one.AllocateAsync(1, default, Token);
        await other.AllocateAsync(1, default, Token);
        IReadOnlyList<LeaseInfo<ulong>> list = await one.ListAsync(Token);
        Assert.Equal(["one", "other", ""], list.Select(info => info.Owner));
        Assert.Equal([1000ul, 1008ul, 1016ul], list.Select(info => info.Start));
    }

    [Fact]
    public async Task Many_threads_get_ranges_that_never_overlap()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync(), Fleet.Ids(4096, 64, 2));
        ulong[][] got = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            List<ulong> mine = [];
            for (int i = 0; i < 1000; i++)
            {
                LeasedRange<ulong> range = await arena.AllocateAsync(1, default, Token);
                if (i % 3 == 0)
                {
                    arena.Free(range, clean: true);
                }
                else
                {
                    mine.Add(range.Start);
                }
            }

            return mine.ToArray();
        }, Token)));
        Assert.Equal(got.Sum(mine => mine.Length), got.SelectMany(mine => mine).Distinct().Count());
        arena.Arena.Validate();
    }
}
