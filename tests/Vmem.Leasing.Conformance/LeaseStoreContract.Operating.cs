using Vmem.Leasing;

namespace Vmem.Leasing.Conformance;

// What operators ask.
public abstract partial class LeaseStoreContract
{
    [Fact]
    public async Task All_arenas_are_listed()
    {
        LeaseArena other = await Store.EnsureArenaAsync("others", Definition(128, 4), Token);
        Assert.Equal([Arena, other], await Store.ListArenasAsync(Token));
    }

    [Fact]
    public async Task Sessions_are_listed_while_they_live_or_hold_something()
    {
        Guid silent = await OpenAsync();
        await GrantAsync(silent, 4);
        Guid closed = await OpenAsync();
        await GrantAsync(closed, 4);
        await ElapseAsync(1);
        await SweepAsync();
        Guid alive = await OpenAsync();
        await RenewAsync(alive);
        await Store.CloseSessionAsync(closed, clean: true, Token);
        IReadOnlyList<LeaseSessionInfo> sessions = await Store.ListSessionsAsync(Token);
        Assert.Equal([(silent, LeaseSessionStage.Lapsed, 0L, 1L), (alive, LeaseSessionStage.Live, 1L, 0L)],
            sessions.Select(session => (session.Session, session.Stage, session.Beat, session.Held)));
        Assert.All(sessions, session => Assert.Equal(("tests", Ttl), (session.Owner, session.Ttl)));
        DateTimeOffset now = (await Store.GetInfoAsync(Token)).Now;
        Assert.InRange(sessions[1].ExpiresAt - now, Ttl * 0.9, Ttl);
    }

    [Fact]
    public async Task Pruning_deletes_what_is_older_and_what_is_left_keeps_its_number()
    {
        Guid dead = await OpenAsync();
        await GrantAsync(dead, 4);
        await BuryAsync();
        await ElapseAsync(1);
        DateTimeOffset then = (await Store.GetInfoAsync(Token)).Now;
        await ElapseAsync(1);
        Guid session = await OpenAsync();
        LeaseClaim claim = await GrantAsync(session, 8);
        IReadOnlyList<LeaseAuditEntry> before = await Store.ReadAuditAsync(Arena.Id, 0, 1000, Token);
        Assert.Equal(before.Count(entry => entry.At < then), await Store.PruneAsync(then, Token));
        Assert.Equal(before.Where(entry => entry.At >= then), await Store.ReadAuditAsync(Arena.Id, 0, 1000, Token));
        Assert.Equal(before[^1], Assert.Single(await Store.ReadAuditAsync(Arena.Id, before[^1].Number - 1, 1000, Token)));
        Assert.Equal([claim], await Store.GetHeldAsync(session, Token));
        Assert.Equal(0, await Store.PruneAsync(then, Token));
    }

    [Fact]
    public async Task Pruning_everything_leaves_the_newest_entry_and_all_leases()
    {
        Guid session = await OpenAsync();
        LeaseClaim claim = await GrantAsync(session, 8);
        await ElapseAsync(0.5);
        await Store.PruneAsync((await Store.GetInfoAsync(Token)).Now, Token);
        LeaseAuditEntry last = Assert.Single(await Store.ReadAuditAsync(Arena.Id, 0, 1000, Token));
        Assert.Equal(LeaseEvent.Grant, last.Event);
        Assert.True(await Store.ReleaseAsync(claim, clean: true, null, Token));
        Assert.InRange((await Store.ReadAuditAsync(Arena.Id, last.Number, 1000, Token))[0].Number, last.Number + 1, long.MaxValue);
    }

    [Fact]
    public async Task The_newest_entries_of_the_audit_are_the_last_of_all_in_order()
    {
        LeaseArena other = await Store.EnsureArenaAsync("others", Definition(8), Token);
        Guid session = await OpenAsync();
        for (int i = 0; i < 3; i++)
        {
            LeaseClaim claim = await GrantAsync(session, 4);
            await GrantAsync(session, 1, other);
            Assert.True(await Store.ReleaseAsync(claim, clean: true, null, Token));
        }

        IReadOnlyList<LeaseAuditEntry> all = await Store.ReadAuditAsync(Arena.Id, 0, 1000, Token);
        Assert.Equal(all.TakeLast(4), await Store.ReadNewestAuditAsync(Arena.Id, 4, Token));
        Assert.Equal(all, await Store.ReadNewestAuditAsync(Arena.Id, 1000, Token));
        Assert.Empty(await Store.ReadNewestAuditAsync(Arena.Id, 0, Token));
    }

    /// <summary>The history of a value is what the whole audit says of it, whatever the sizes of the ranges that it was in.</summary>
    [Fact]
    public async Task The_history_of_a_value_is_all_that_the_audit_has_of_it_and_says_whose_it_was()
    {
        LeaseArena other = await Store.EnsureArenaAsync("others", Definition(64), Token);
        Guid session = await OpenAsync();
        foreach (int size in (int[])[8, 1, 8, 64, 3, 2, 1, 16])
        {
            LeaseClaim claim = await GrantAsync(session, size);
            LeaseClaim elsewhere = await GrantAsync(session, size, other);
            LeaseAnswer beside = await Store.GrantAsync(Request(session, 64) with { MinSize = 1 }, Token);
            foreach (LeaseClaim held in ((LeaseClaim?[])[claim, elsewhere, beside.Claim]).OfType<LeaseClaim>())
            {
                Assert.True(await Store.ReleaseAsync(held, clean: true, null, Token));
            }
        }

        Guid dead = await OpenAsync();
        await GrantAsync(dead, 5);
        await BuryAsync();
        IReadOnlyList<LeaseAuditEntry> all = await Store.ReadAuditAsync(Arena.Id, 0, 1000, Token);
        foreach (UInt128 value in (UInt128[])[1000, 1001, 1004, 1008, 1040, 1063, 999, 1064, 0, UInt128.MaxValue])
        {
            LeaseAuditEntry[] expected = [.. all.Where(entry => value >= entry.Start && value - entry.Start < entry.Size)
                .Select(static entry => entry with { Owner = entry.Session == Guid.Empty ? "" : "tests" })];
            Assert.Equal(expected, await Store.ReadHistoryAsync(Arena.Id, value, 1000, Token));
            Assert.Equal(expected.TakeLast(4), await Store.ReadHistoryAsync(Arena.Id, value, 4, Token));
        }

        Assert.Contains(await Store.ReadHistoryAsync(Arena.Id, 1004, 1000, Token), static entry => entry.Event == LeaseEvent.Reclaim);
        Assert.Empty(await Store.ReadHistoryAsync(Arena.Id, 1000, 0, Token));
    }

    /// <summary>Those of that very moment stay; and of sessions those that hold something.</summary>
    [Fact]
    public async Task Pruning_forgets_what_was_before_and_nothing_of_that_moment()
    {
        Guid early = await OpenAsync();
        await Store.CloseSessionAsync(early, clean: true, Token);
        await ElapseAsync(1);
        Guid late = await OpenAsync();
        await Store.CloseSessionAsync(late, clean: true, Token);
        Guid silent = await OpenAsync();
        await GrantAsync(silent, 4);
        DateTimeOffset then = (await Store.ReadAuditAsync(Arena.Id, 0, 1000, Token)).First(entry => entry.Session == late).At;
        Assert.Equal(2, await Store.PruneAsync(then, Token));
        Assert.Equal(late, (await Store.ReadAuditAsync(Arena.Id, 0, 1, Token))[0].Session);
        await Assert.ThrowsAsync<LeaseSessionException>(async () => await Store.OpenSessionAsync(late, "twin", Ttl, 0, Token));
        await Store.OpenSessionAsync(early, "again", Ttl, 0, Token);        // nothing is left of it
        await ElapseAsync(1);
        await SweepAsync();
        await Store.PruneAsync((await Store.GetInfoAsync(Token)).Now, Token);
        Assert.Contains(await Store.ListSessionsAsync(Token), session => session.Session == silent);
    }
}
