using Vmem.Leasing;

namespace Vmem.Leasing.Conformance;

// Failover: whole arenas that the new server has never heard of.
public abstract partial class LeaseStoreContract
{
    /// <summary>Its holder may still use what it has. So nobody may take it for another's, and no fence may come twice.</summary>
    [Fact]
    public async Task R4_an_arena_that_was_forgotten_is_made_again_under_another_number_and_with_larger_fences()
    {
        await RememberAsync();
        LeaseArena forgotten = await Store.EnsureArenaAsync("late", Definition(8), Token);
        LeaseClaim lost = await GrantAsync(await OpenAsync(), 8, forgotten);
        await FailOverAsync();
        LeaseArena made = await Store.EnsureArenaAsync("late", Definition(8), Token);
        Assert.NotEqual(forgotten.Id, made.Id);
        await OutlastHoldAsync();
        LeaseClaim next = await GrantAsync(await OpenAsync(), 8, made);
        Assert.Equal(lost.Start, next.Start);
        Assert.InRange(next.Fence, lost.Fence + 1, long.MaxValue);
        Assert.Equal(["1000+8 Leased"], await ExtentsAsync(made));
        Assert.Empty(await Store.ValidateAsync(made.Id, Token));
    }

    [Fact]
    public async Task R4_a_lease_of_an_arena_that_was_forgotten_is_reasserted_in_no_other()
    {
        Guid session = await OpenAsync();
        await RememberAsync();
        LeaseClaim lost = await GrantAsync(session, 8, await Store.EnsureArenaAsync("late", Definition(64), Token));
        await FailOverAsync();
        LeaseArena other = await Store.EnsureArenaAsync("other", Definition(64), Token);
        await Assert.ThrowsAsync<LeaseDefinitionException>(async () => await Store.ReassertAsync(lost, Token));
        Assert.Equal(["1000+64 Free"], await ExtentsAsync(other));
    }

    /// <summary>Whoever leased from an arena that was forgotten believes for as long as its TTL.</summary>
    [Fact]
    public async Task R4_a_phase_lasts_as_long_as_the_longest_TTL()
    {
        Guid patient = await OpenAsync(Ttl * 3);
        Guid session = await OpenAsync();
        await RememberAsync();
        await GrantAsync(patient, 8, await Store.EnsureArenaAsync("late", Definition(64, 1, Ttl * 3), Token));
        await FailOverAsync();
        await ExpectTwoLongPhasesAsync(session);
    }

    [Fact]
    public async Task R4_an_arena_with_a_longer_quarantine_that_is_made_during_the_hold_begins_it_anew()
    {
        Guid session = await OpenAsync();
        await RememberAsync();
        await FailOverAsync();
        await ElapseAsync(1);
        await RenewAsync(session);
        await Store.EnsureArenaAsync("slow", Definition(64, 1, Ttl * 3), Token);
        await ExpectTwoLongPhasesAsync(session);
    }

    [Fact]
    public async Task R4_an_arena_like_others_that_is_made_during_the_hold_makes_it_no_longer()
    {
        Guid session = await OpenAsync();
        await RememberAsync();
        await FailOverAsync();
        await ElapseAsync(1);
        await RenewAsync(session);
        await Store.EnsureArenaAsync("quick", Definition(64), Token);
        Assert.Equal(LeaseVerdict.OnHold, await TryAsync(session, 1));
        await ElapseAsync(1);
        await RenewAsync(session);
        Assert.Equal(LeaseVerdict.Granted, await TryAsync(session, 1));
    }

    [Fact]
    public async Task Outside_a_hold_an_arena_with_a_longer_quarantine_begins_none()
    {
        Guid session = await OpenAsync();
        await Store.EnsureArenaAsync("slow", Definition(64, 1, Ttl * 3), Token);
        Assert.Equal(LeaseVerdict.Granted, await TryAsync(session, 1));
    }

    /// <summary>Two phases of three TTLs, which have just begun.</summary>
    private async Task ExpectTwoLongPhasesAsync(Guid session)
    {
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
}
