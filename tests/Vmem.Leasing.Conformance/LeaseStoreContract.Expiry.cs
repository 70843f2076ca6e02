using Vmem.Leasing;

namespace Vmem.Leasing.Conformance;

// Silence: lapse, revival, death, quarantine.
public abstract partial class LeaseStoreContract
{
    [Fact]
    public async Task R3_a_silent_session_lapses_and_dies_a_quarantine_later_and_nothing_is_free_before()
    {
        await GrantAsync(await OpenAsync(), 64);
        await ElapseAsync(0.9);
        Assert.Equal(UInt128.Zero, await SweepAsync());
        await ElapseAsync(0.2);
        Assert.Equal(UInt128.Zero, await SweepAsync());             // lapsed
        await ElapseAsync(0.9);
        Assert.Equal(UInt128.Zero, await SweepAsync());
        Assert.Equal(["1000+64 Leased"], await ExtentsAsync());
        await ElapseAsync(0.2);
        Assert.Equal((UInt128)64, await SweepAsync());              // dead
        Assert.Equal(["1000+64 Free"], await ExtentsAsync());
    }

    [Theory]
    [InlineData(1.5)]
    [InlineData(100)]
    [InlineData(1_000_000)]
    public async Task R3_one_step_of_the_clock_however_far_frees_nothing(double ttls)
    {
        await GrantAsync(await OpenAsync(), 64);
        await ElapseAsync(ttls);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(UInt128.Zero, await SweepAsync());
        }

        Assert.Equal(["1000+64 Leased"], await ExtentsAsync());
    }

    [Fact]
    public async Task R3_a_renewal_revives_the_lapsed_with_all_it_holds()
    {
        Guid session = await OpenAsync();
        LeaseClaim claim = await GrantAsync(session, 64);
        await ElapseAsync(1);
        await SweepAsync();
        await RenewAsync(session);
        await ElapseAsync(0.9);
        await SweepAsync();
        await RenewAsync(session);
        await ElapseAsync(0.9);
        Assert.Equal(UInt128.Zero, await SweepAsync());
        Assert.Equal([claim], await Store.GetHeldAsync(session, Token));
    }

    [Fact]
    public async Task R3_the_dead_stay_dead()
    {
        Guid session = await OpenAsync();
        await GrantAsync(session, 64);
        await BuryAsync();
        Assert.Null(await Store.RenewAsync(session, 0, Token));
        Assert.Equal(LeaseVerdict.SessionNotLive, await TryAsync(session, 1));
        Assert.Empty(await Store.GetHeldAsync(session, Token));
    }

    [Fact]
    public async Task A_renewed_session_outlives_any_number_of_terms()
    {
        Guid session = await OpenAsync();
        await GrantAsync(session, 64);
        for (int i = 0; i < 20; i++)
        {
            await ElapseAsync(0.5);
            await SweepAsync();
            await RenewAsync(session);
        }

        Assert.Equal(["1000+64 Leased"], await ExtentsAsync());
    }

    [Fact]
    public async Task A_session_dies_by_the_longest_quarantine_of_the_arenas_that_it_leased_from()
    {
        LeaseArena slow = await Store.EnsureArenaAsync("slow", Definition(64, 1, Ttl * 3), Token);
        Guid session = await OpenAsync();
        await GrantAsync(session, 8);
        await GrantAsync(session, 8, slow);
        await ElapseAsync(1);
        await SweepAsync();
        await ElapseAsync(2);
        Assert.Equal(UInt128.Zero, await SweepAsync() + await SweepAsync(slow));
        await ElapseAsync(1);
        Assert.Equal((UInt128)8, await SweepAsync(slow));
        Assert.Equal((UInt128)8, await SweepAsync());
    }

    [Fact]
    public async Task A_sweep_frees_in_its_own_arena_only()
    {
        LeaseArena other = await Store.EnsureArenaAsync("others", Definition(64), Token);
        Guid session = await OpenAsync();
        await GrantAsync(session, 8);
        await GrantAsync(session, 8, other);
        await BuryAsync();
        Assert.Equal(["1000+64 Free"], await ExtentsAsync());
        Assert.Equal(["1000+8 Leased", "1008+56 Free"], await ExtentsAsync(other));
        Assert.Equal((UInt128)8, await SweepAsync(other));
    }

    [Fact]
    public async Task The_living_keep_what_they_hold_when_others_die()
    {
        Guid dead = await OpenAsync();
        Guid alive = await OpenAsync();
        await GrantAsync(dead, 8);
        LeaseClaim kept = await GrantAsync(alive, 8);
        await ElapseAsync(0.9);
        await RenewAsync(alive);
        await ElapseAsync(0.2);
        await SweepAsync();
        await RenewAsync(alive);
        await ElapseAsync(0.9);
        await RenewAsync(alive);
        await ElapseAsync(0.2);
        Assert.Equal((UInt128)8, await SweepAsync());
        Assert.Equal([kept], await Store.GetHeldAsync(alive, Token));
    }

    [Fact]
    public async Task Usage_counts_every_value_once_and_says_when_room_comes()
    {
        Guid silent = await OpenAsync();
        await GrantAsync(silent, 4);
        await ElapseAsync(1);
        Guid session = await OpenAsync();
        await GrantAsync(session, 8);
        LeaseClaim claim = await GrantAsync(session, 16);
        await Store.ReleaseAsync(claim, clean: false, null, Token);
        LeaseUsage usage = await Store.GetUsageAsync(Arena.Id, Token);
        Assert.Equal(((UInt128)36, (UInt128)8, (UInt128)4, (UInt128)16), (usage.Free, usage.Leased, usage.Lapsed, usage.Quarantined));
        Assert.Equal((UInt128)36, usage.LargestFree);
        DateTimeOffset now = (await Store.GetInfoAsync(Token)).Now;
        Assert.InRange(usage.RoomAt!.Value - now, Ttl * 0.9, Ttl * 1.1);
        Assert.Matches("^free 36, leased 8, lapsed 4, quarantined 16 until [0-9:]{8}$", usage.ToString());
    }

    [Fact]
    public async Task Without_lapse_or_quarantine_nobody_knows_when_room_comes()
    {
        await GrantAsync(await OpenAsync(), 64);
        LeaseUsage usage = await Store.GetUsageAsync(Arena.Id, Token);
        Assert.Null(usage.RoomAt);
        Assert.Equal("free 0, leased 64", usage.ToString());
    }

    [Fact]
    public async Task The_list_names_holders_fences_and_watermarks()
    {
        Guid session = await OpenAsync();
        LeaseClaim claim = await GrantAsync(session, 8);
        await Store.MarkAsync(claim, 77, Token);
        IReadOnlyList<LeaseExtent> extents = await Store.ListAsync(Arena.Id, Token);
        Assert.Equal((session, "tests", claim.Fence, (long?)77),
            (extents[0].Session, extents[0].Owner, extents[0].Fence, extents[0].Watermark));
        Assert.Equal((Guid.Empty, ""), (extents[1].Session, extents[1].Owner));
    }

    [Fact]
    public async Task The_audit_tells_who_had_what_under_which_fence()
    {
        Guid first = await OpenAsync();
        LeaseClaim claim = await GrantAsync(first, 8);
        await BuryAsync();
        Guid second = await OpenAsync();
        LeaseClaim again = await GrantAsync(second, 8);
        await Store.ReleaseAsync(again, clean: true, null, Token);
        IReadOnlyList<LeaseAuditEntry> audit = await Store.ReadAuditAsync(Arena.Id, 0, 1000, Token);
        Assert.Equal(
            [
                LeaseEvent.Open, LeaseEvent.Grant, LeaseEvent.Lapse, LeaseEvent.Die, LeaseEvent.Reclaim, LeaseEvent.Free,
                LeaseEvent.Open, LeaseEvent.Grant, LeaseEvent.Release, LeaseEvent.Free,
            ],
            audit.Select(entry => entry.Event));
        Assert.Equal([(first, claim.Fence), (second, again.Fence)],
            audit.Where(entry => entry.Event == LeaseEvent.Grant).Select(entry => (entry.Session, entry.Fence)));
        Assert.Equal(audit.Order(Comparer<LeaseAuditEntry>.Create((one, other) => one.Number.CompareTo(other.Number))), audit);
        Assert.Equal(audit.Skip(3).Take(2), await Store.ReadAuditAsync(Arena.Id, audit[2].Number, 2, Token));
    }
}
