using Vmem.Leasing;

namespace Vmem.Leasing.Conformance;

// Releases, marks and watermarks.
public abstract partial class LeaseStoreContract
{
    [Fact]
    public async Task What_is_released_clean_can_be_leased_at_once()
    {
        LeaseClaim claim = await GrantAsync(await OpenAsync(), 64);
        Assert.True(await Store.ReleaseAsync(claim, clean: true, null, Token));
        Assert.Equal((UInt128)1000, (await GrantAsync(await OpenAsync(), 64)).Start);
    }

    [Fact]
    public async Task What_is_released_otherwise_is_quarantined_first()
    {
        LeaseClaim claim = await GrantAsync(await OpenAsync(), 64);
        Assert.True(await Store.ReleaseAsync(claim, clean: false, null, Token));
        await ElapseAsync(0.9);
        Assert.Equal(UInt128.Zero, await SweepAsync());
        Guid next = await OpenAsync();
        Assert.Equal(LeaseVerdict.NoRoom, await TryAsync(next, 1));
        await ElapseAsync(0.2);
        Assert.Equal((UInt128)64, await SweepAsync());
        Assert.Equal(LeaseVerdict.Granted, await TryAsync(next, 64));
    }

    [Theory]
    [InlineData("fence")]
    [InlineData("older fence")]
    [InlineData("session")]
    [InlineData("size")]
    [InlineData("start")]
    public async Task R8_who_does_not_name_the_lease_exactly_changes_nothing(string wrong)
    {
        LeaseClaim claim = await GrantAsync(await OpenAsync(), 8);
        LeaseClaim other = wrong switch
        {
            "fence" => claim with { Fence = claim.Fence + 1 },
            "older fence" => claim with { Fence = claim.Fence - 1 },
            "session" => claim with { Session = await OpenAsync() },
            "size" => claim with { Size = 4 },
            _ => claim with { Start = 1001, Size = 7 },
        };
        Assert.False(await Store.ReleaseAsync(other, clean: true, 99, Token));
        Assert.False(await Store.MarkAsync(other, 99, Token));
        LeaseExtent extent = (await Store.ListAsync(Arena.Id, Token))[0];
        Assert.Equal((LeaseExtentState.Leased, (long?)null), (extent.State, extent.Watermark));
    }

    [Fact]
    public async Task R8_a_late_release_does_not_free_the_next_holders_lease()
    {
        LeaseClaim old = await GrantAsync(await OpenAsync(), 8);
        Assert.True(await Store.ReleaseAsync(old, clean: true, null, Token));
        LeaseClaim next = await GrantAsync(await OpenAsync(), 8);
        Assert.Equal(old.Start, next.Start);
        Assert.False(await Store.ReleaseAsync(old, clean: true, null, Token));
        Assert.Equal([next], await Store.GetHeldAsync(next.Session, Token));
    }

    [Fact]
    public async Task Free_neighbours_become_one()
    {
        Guid session = await OpenAsync();
        LeaseClaim[] claims = [await GrantAsync(session, 8), await GrantAsync(session, 8), await GrantAsync(session, 8)];
        await Store.ReleaseAsync(claims[0], clean: true, null, Token);
        Assert.Equal(["1000+8 Free", "1008+8 Leased", "1016+8 Leased", "1024+40 Free"], await ExtentsAsync());
        await Store.ReleaseAsync(claims[1], clean: true, null, Token);
        Assert.Equal(["1000+16 Free", "1016+8 Leased", "1024+40 Free"], await ExtentsAsync());
        await Store.ReleaseAsync(claims[2], clean: true, null, Token);
        Assert.Equal(["1000+64 Free"], await ExtentsAsync());
    }

    [Fact]
    public async Task Quarantined_neighbours_end_each_at_its_time_and_become_one()
    {
        Guid session = await OpenAsync();
        LeaseClaim first = await GrantAsync(session, 8);
        LeaseClaim second = await GrantAsync(session, 8);
        await Store.ReleaseAsync(first, clean: false, null, Token);
        await ElapseAsync(0.5);
        await Store.ReleaseAsync(second, clean: false, null, Token);
        await ElapseAsync(0.6);
        Assert.Equal((UInt128)8, await SweepAsync());
        Assert.Equal(["1000+8 Free", "1008+8 Quarantined", "1016+48 Free"], await ExtentsAsync());
        await ElapseAsync(0.5);
        Assert.Equal((UInt128)8, await SweepAsync());
        Assert.Equal(["1000+64 Free"], await ExtentsAsync());
    }

    [Fact]
    public async Task The_first_holder_finds_no_watermark() =>
        Assert.Null((await Store.GrantAsync(Request(await OpenAsync(), 8), Token)).Watermark);

    [Fact]
    public async Task R10_a_watermark_goes_to_the_next_holder()
    {
        LeaseClaim claim = await GrantAsync(await OpenAsync(), 64);
        await Store.ReleaseAsync(claim, clean: true, 4711, Token);
        Assert.Equal(4711, (await Store.GrantAsync(Request(await OpenAsync(), 8), Token)).Watermark);
        Assert.Equal(4711, (await Store.GrantAsync(Request(await OpenAsync(), 8), Token)).Watermark);
    }

    [Fact]
    public async Task R10_of_extents_that_become_one_the_larger_watermark_and_fence_win()
    {
        Guid session = await OpenAsync();
        LeaseClaim low = await GrantAsync(session, 32);
        LeaseClaim high = await GrantAsync(session, 32);
        await Store.ReleaseAsync(low, clean: true, 100, Token);
        await Store.ReleaseAsync(high, clean: true, 50, Token);
        LeaseExtent free = Assert.Single(await Store.ListAsync(Arena.Id, Token));
        Assert.Equal((high.Fence, (long?)100), (free.Fence, free.Watermark));
    }

    [Fact]
    public async Task A_mark_never_goes_back_and_a_release_neither()
    {
        LeaseClaim claim = await GrantAsync(await OpenAsync(), 64);
        Assert.True(await Store.MarkAsync(claim, 200, Token));
        Assert.True(await Store.MarkAsync(claim, 100, Token));
        Assert.True(await Store.ReleaseAsync(claim, clean: true, 150, Token));
        Assert.Equal(200, (await Store.GrantAsync(Request(await OpenAsync(), 8), Token)).Watermark);
    }

    [Fact]
    public async Task R10_who_dies_leaves_the_latest_time_that_its_renewals_promised()
    {
        Guid session = await OpenAsync(latest: 1000);
        await GrantAsync(session, 64);
        await RenewAsync(session, latest: 2000);
        await BuryAsync();
        Assert.Equal(2000, (await Store.GrantAsync(Request(await OpenAsync(), 8), Token)).Watermark);
    }

    [Fact]
    public async Task R10_who_marked_and_dies_leaves_its_mark()
    {
        Guid session = await OpenAsync(latest: 1000);
        LeaseClaim claim = await GrantAsync(session, 64);
        await Store.MarkAsync(claim, 700, Token);
        await RenewAsync(session, latest: 2000);
        await BuryAsync();
        Assert.Equal(700, (await Store.GrantAsync(Request(await OpenAsync(), 8), Token)).Watermark);
    }

    [Fact]
    public async Task Whoever_waits_is_told_of_room_if_the_store_can_tell()
    {
        int told = 0;
        using IDisposable? watch = Store.WatchRoom(Arena.Id, () => Interlocked.Increment(ref told));
        LeaseClaim claim = await GrantAsync(await OpenAsync(), 64);
        await Store.ReleaseAsync(claim, clean: true, null, Token);
        Assert.Equal(watch is not null, told > 0);
    }

    [Fact]
    public async Task A_call_that_is_cancelled_beforehand_does_nothing()
    {
        Guid session = await OpenAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await Store.GrantAsync(Request(session, 8), new CancellationToken(canceled: true)));
        Assert.Equal(["1000+64 Free"], await ExtentsAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task R10_a_session_that_is_closed_leaves_the_time_that_it_promised_not_to_pass(bool clean)
    {
        Guid session = await OpenAsync(latest: 500);
        await GrantAsync(session, 60);
        await RenewAsync(session, 700);
        LeaseClaim marked = await GrantAsync(session, 4);
        Assert.True(await Store.MarkAsync(marked, 600, Token));
        await Store.CloseSessionAsync(session, clean, Token);
        Assert.Equal(clean ? [700L] : [700L, 600L], (await Store.ListAsync(Arena.Id, Token)).Select(extent => extent.Watermark!.Value));
    }

    [Fact]
    public async Task R10_who_is_made_to_release_leaves_the_time_that_it_promised_not_to_pass()
    {
        Guid session = await OpenAsync(latest: 500);
        LeaseClaim silent = await GrantAsync(session, 4);
        LeaseClaim marked = await GrantAsync(session, 4);
        LeaseClaim clean = await GrantAsync(session, 56);
        Assert.True(await Store.MarkAsync(marked, 400, Token));
        Assert.True(await Store.ReleaseAsync(silent, clean: false, null, Token));
        Assert.True(await Store.ReleaseAsync(marked, clean: false, null, Token));
        Assert.True(await Store.ReleaseAsync(clean, clean: true, null, Token));
        Assert.Equal([500L, 400L, null], (await Store.ListAsync(Arena.Id, Token)).Select(extent => extent.Watermark));
    }

    [Fact]
    public async Task R10_whoever_releases_without_cleaning_may_say_what_it_used()
    {
        Guid session = await OpenAsync(latest: 500);
        LeaseClaim claim = await GrantAsync(session, 4);
        Assert.True(await Store.ReleaseAsync(claim, clean: false, 300, Token));
        Assert.Equal(300, (await Store.ListAsync(Arena.Id, Token))[0].Watermark);
    }

    [Fact]
    public async Task R10_who_dies_lowers_no_watermark_of_those_before()
    {
        LeaseClaim former = await GrantAsync(await OpenAsync(), 64);
        await Store.ReleaseAsync(former, clean: true, 5000, Token);
        Guid session = await OpenAsync(latest: 2000);
        await GrantAsync(session, 64);
        await BuryAsync();
        Assert.Equal(5000, Assert.Single(await Store.ListAsync(Arena.Id, Token)).Watermark);
    }

    [Theory]
    [InlineData(null, 50L)]
    [InlineData(50L, null)]
    public async Task R10_of_extents_that_become_one_either_may_have_the_watermark(long? low, long? high)
    {
        Guid session = await OpenAsync();
        LeaseClaim lower = await GrantAsync(session, 32);
        LeaseClaim upper = await GrantAsync(session, 32);
        await Store.ReleaseAsync(lower, clean: true, low, Token);
        await ElapseAsync(0.5);
        await Store.ReleaseAsync(upper, clean: true, high, Token);
        LeaseExtent free = Assert.Single(await Store.ListAsync(Arena.Id, Token));
        Assert.Equal((50L, (await Store.GetInfoAsync(Token)).Now), (free.Watermark!.Value, free.Since));
    }

    [Fact]
    public async Task The_audit_says_how_a_lease_came_back_and_how_a_session_ended()
    {
        Guid session = await OpenAsync();
        await Store.ReleaseAsync(await GrantAsync(session, 4), clean: true, null, Token);
        await Store.ReleaseAsync(await GrantAsync(session, 4), clean: false, null, Token);
        await Store.CloseSessionAsync(session, clean: true, Token);
        IReadOnlyList<LeaseAuditEntry> audit = await Store.ReadAuditAsync(Arena.Id, 0, 1000, Token);
        Assert.Equal(["clean", "quarantined"],
            audit.Where(static entry => entry.Event == LeaseEvent.Release).Select(static entry => entry.Detail));
        Assert.Equal((LeaseEvent.Close, session), (audit[^1].Event, audit[^1].Session));
    }
}
