using Vmem.Leasing;

namespace Vmem.Leasing.Conformance;

// Failover: hold, fences, reassertion.
public abstract partial class LeaseStoreContract
{
    [Fact]
    public async Task R4_during_the_hold_nothing_is_granted()
    {
        Guid session = await OpenAsync();
        await RememberAsync();
        await FailOverAsync();
        Assert.Equal(LeaseVerdict.OnHold, await TryAsync(session, 1));
        Assert.NotNull((await Store.GetInfoAsync(Token)).HoldUntil);
    }

    [Fact]
    public async Task R4_during_the_hold_nothing_is_reclaimed()
    {
        Guid session = await OpenAsync();
        LeaseClaim released = await GrantAsync(session, 8);
        await GrantAsync(session, 8);
        await Store.ReleaseAsync(released, clean: false, null, Token);
        await RememberAsync();
        await FailOverAsync();
        await ElapseAsync(0.9);
        Assert.Equal(UInt128.Zero, await SweepAsync());
        Assert.Equal(["1000+8 Quarantined", "1008+8 Leased", "1016+48 Free"], await ExtentsAsync());
    }

    [Fact]
    public async Task R4_the_hold_ends_after_two_phases()
    {
        Guid session = await OpenAsync();
        await RememberAsync();
        await FailOverAsync();
        await ElapseAsync(1);
        await RenewAsync(session);
        Assert.Equal(LeaseVerdict.OnHold, await TryAsync(session, 1));
        await ElapseAsync(1);
        await RenewAsync(session);
        Assert.Equal(LeaseVerdict.Granted, await TryAsync(session, 1));
        Assert.Null((await Store.GetInfoAsync(Token)).HoldUntil);
    }

    [Fact]
    public async Task R4_one_step_of_the_clock_ends_only_one_phase()
    {
        Guid session = await OpenAsync();
        await RememberAsync();
        await FailOverAsync();
        await ElapseAsync(1000);
        for (int i = 0; i < 3; i++)
        {
            await RenewAsync(session);
            Assert.Equal(LeaseVerdict.OnHold, await TryAsync(session, 1));
        }
    }

    [Fact]
    public async Task R4_a_grant_that_was_lost_is_not_given_again_under_the_same_fence()
    {
        await RememberAsync();
        Guid lost = await OpenAsync();
        LeaseClaim claim = await GrantAsync(lost, 8);
        await FailOverAsync();
        await OutlastHoldAsync();
        LeaseClaim next = await GrantAsync(await OpenAsync(), 8);
        Assert.Equal(claim.Start, next.Start);                       // forgotten, and its holder is past its time
        Assert.InRange(next.Fence, claim.Fence + 1, long.MaxValue);
        Assert.InRange(next.Fence, 1_000_000_000, 1_000_000_100);    // the jump that docs/leases.md promises
    }

    [Fact]
    public async Task R4_a_failover_is_another_incarnation()
    {
        int before = (await Store.GetInfoAsync(Token)).Incarnation;
        Guid session = await OpenAsync();
        await RememberAsync();
        await FailOverAsync();
        int renewed = (await Store.RenewAsync(session, 0, Token))!.Incarnation;
        Assert.Equal(before + 1, renewed);
        Assert.Equal(renewed, (await Store.GetInfoAsync(Token)).Incarnation);
        await OutlastHoldAsync();
        Assert.Equal(renewed, (await Store.GetInfoAsync(Token)).Incarnation);
    }

    [Fact]
    public async Task R4_a_lost_grant_is_reasserted_into_free_space_during_the_hold()
    {
        Guid session = await OpenAsync();
        await GrantAsync(session, 8);
        await RememberAsync();
        LeaseClaim lost = await GrantAsync(session, 8);
        await FailOverAsync();
        Assert.Equal(["1000+8 Leased", "1008+56 Free"], await ExtentsAsync());
        Assert.Equal(LeaseReassertion.Reinstated, await Store.ReassertAsync(lost, Token));
        Assert.Equal(LeaseReassertion.Known, await Store.ReassertAsync(lost, Token));
        Assert.Equal(["1000+8 Leased", "1008+8 Leased", "1016+48 Free"], await ExtentsAsync());
        Assert.Contains(lost, await Store.GetHeldAsync(session, Token));
    }

    [Fact]
    public async Task R4_after_the_hold_it_is_too_late()
    {
        Guid session = await OpenAsync();
        await RememberAsync();
        LeaseClaim lost = await GrantAsync(session, 8);
        await FailOverAsync();
        await OutlastHoldAsync();
        await RenewAsync(session);
        Assert.Equal(LeaseReassertion.TooLate, await Store.ReassertAsync(lost, Token));
        Assert.Empty(await Store.GetHeldAsync(session, Token));
    }

    [Fact]
    public async Task R4_what_is_not_free_is_not_reasserted()
    {
        Guid other = await OpenAsync();
        LeaseClaim held = await GrantAsync(other, 8);
        Guid session = await OpenAsync();
        await RememberAsync();
        await FailOverAsync();
        LeaseClaim wrong = held with { Session = session, Start = held.Start + 4 };
        Assert.Equal(LeaseReassertion.Taken, await Store.ReassertAsync(wrong, Token));
        Assert.Equal([held], await Store.GetHeldAsync(other, Token));
    }

    [Fact]
    public async Task R4_a_session_that_was_lost_cannot_reassert()
    {
        await RememberAsync();
        Guid session = await OpenAsync();
        LeaseClaim lost = await GrantAsync(session, 8);
        await FailOverAsync();
        Assert.Null(await Store.RenewAsync(session, 0, Token));
        Assert.Equal(LeaseReassertion.SessionLost, await Store.ReassertAsync(lost, Token));
    }

    [Fact]
    public async Task R4_what_was_reasserted_is_not_granted_again()
    {
        Guid session = await OpenAsync();
        await RememberAsync();
        LeaseClaim lost = await GrantAsync(session, 8);
        await FailOverAsync();
        await Store.ReassertAsync(lost, Token);
        await ElapseAsync(0.5);
        await RenewAsync(session);
        await ElapseAsync(0.6);
        await RenewAsync(session);
        await ElapseAsync(0.5);
        await RenewAsync(session);
        await ElapseAsync(0.6);
        await RenewAsync(session);
        LeaseClaim next = await GrantAsync(await OpenAsync(), 56);
        Assert.Equal((UInt128)1008, next.Start);
    }

    [Fact]
    public async Task Outside_a_hold_only_what_is_known_is_reasserted()
    {
        Guid session = await OpenAsync();
        LeaseClaim claim = await GrantAsync(session, 8);
        Assert.Equal(LeaseReassertion.Known, await Store.ReassertAsync(claim, Token));
        Assert.Equal(LeaseReassertion.TooLate, await Store.ReassertAsync(claim with { Start = 1020 }, Token));
    }

    [Fact]
    public async Task A_failover_forgives_lapses()
    {
        Guid session = await OpenAsync();
        await GrantAsync(session, 8);
        await ElapseAsync(1);
        await SweepAsync();
        await RememberAsync();
        await FailOverAsync();
        await ElapseAsync(0.9);
        await RenewAsync(session);
    }

    [Fact]
    public async Task Two_failovers_are_two_holds()
    {
        Guid session = await OpenAsync();
        await RememberAsync();
        await FailOverAsync();
        await ElapseAsync(1);
        await RenewAsync(session);
        await RememberAsync();
        await FailOverAsync();
        await ElapseAsync(1);
        await RenewAsync(session);
        Assert.Equal(LeaseVerdict.OnHold, await TryAsync(session, 1));
        await ElapseAsync(1);
        await RenewAsync(session);
        Assert.Equal(LeaseVerdict.Granted, await TryAsync(session, 1));
    }

    [Fact]
    public async Task R4_a_phase_lasts_as_long_as_the_longest_quarantine()
    {
        await Store.EnsureArenaAsync("slow", Definition(64, 1, Ttl * 3), Token);
        Guid session = await OpenAsync();
        await RememberAsync();
        await FailOverAsync();
        for (int phase = 0; phase < 2; phase++)
        {
            for (int i = 0; i < 4; i++)
            {
                Assert.Equal(LeaseVerdict.OnHold, await TryAsync(session, 1));
                await ElapseAsync(0.76);
                await RenewAsync(session);
            }
        }

        Assert.Equal(LeaseVerdict.Granted, await TryAsync(session, 1));
    }

    [Fact]
    public async Task R4_the_dead_stay_dead_and_the_living_have_a_whole_term()
    {
        Guid lapsed = await OpenAsync();
        await GrantAsync(lapsed, 8);
        Guid dead = await OpenAsync();
        await ElapseAsync(1);
        await SweepAsync();
        await Store.CloseSessionAsync(dead, clean: true, Token);
        await RememberAsync();
        await FailOverAsync();
        LeaseSessionInfo session = Assert.Single(await Store.ListSessionsAsync(Token));
        DateTimeOffset now = (await Store.GetInfoAsync(Token)).Now;
        Assert.Equal((lapsed, LeaseSessionStage.Live), (session.Session, session.Stage));
        Assert.InRange(session.ExpiresAt - now, Ttl * 0.9, Ttl);
        Assert.Null(await Store.RenewAsync(dead, 0, Token));
    }

    [Fact]
    public async Task R4_a_lost_grant_of_all_that_is_free_is_reasserted_and_no_longer_one()
    {
        Guid session = await OpenAsync();
        await GrantAsync(session, 8);
        await RememberAsync();
        LeaseClaim lost = await GrantAsync(session, 56);
        await FailOverAsync();
        Assert.Equal(LeaseReassertion.Taken, await Store.ReassertAsync(lost with { Size = 57 }, Token));
        Assert.Equal(LeaseReassertion.Taken, await Store.ReassertAsync(lost with { Fence = long.MaxValue }, Token));
        Assert.Equal(LeaseReassertion.Reinstated, await Store.ReassertAsync(lost, Token));
        Assert.Equal(["1000+8 Leased", "1008+56 Leased"], await ExtentsAsync());
    }

    [Fact]
    public async Task R4_what_is_reasserted_dies_by_the_quarantine_of_its_arena()
    {
        LeaseArena slow = await Store.EnsureArenaAsync("slow", Definition(64, 1, Ttl * 3), Token);
        Guid session = await OpenAsync();
        await RememberAsync();
        LeaseClaim lost = await GrantAsync(session, 8, slow);
        await FailOverAsync();
        Assert.Equal(LeaseReassertion.Reinstated, await Store.ReassertAsync(lost, Token));
        await ElapseAsync(3);
        await SweepAsync(slow);
        await ElapseAsync(3);
        await SweepAsync(slow);                                     // the hold is over, and the silent session lapses
        await ElapseAsync(2.9);
        Assert.Equal(UInt128.Zero, await SweepAsync(slow));
        await ElapseAsync(0.2);
        Assert.Equal((UInt128)8, await SweepAsync(slow));
    }
}
