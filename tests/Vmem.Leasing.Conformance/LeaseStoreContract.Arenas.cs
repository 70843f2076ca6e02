using Vmem.Leasing;

namespace Vmem.Leasing.Conformance;

// Arenas and sessions.
public abstract partial class LeaseStoreContract
{
    [Fact]
    public async Task An_arena_is_made_once_and_found_again()
    {
        LeaseArena again = await Store.EnsureArenaAsync("ids", Definition(64), Token);
        Assert.Equal(Arena, again);
        Assert.Equal(Arena, await Store.EnsureArenaAsync("ids", null, Token));
        Assert.Equal(["1000+64 Free"], await ExtentsAsync());
    }

    [Fact]
    public async Task An_arena_that_is_defined_otherwise_is_refused_and_the_text_says_both()
    {
        LeaseDefinitionException fault = await Assert.ThrowsAsync<LeaseDefinitionException>(
            async () => await Store.EnsureArenaAsync("ids", Definition(128), Token));
        Assert.Contains("[1000, 1064)", fault.Message, StringComparison.Ordinal);
        Assert.Contains("[1000, 1128)", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_definition_an_arena_must_exist()
    {
        LeaseDefinitionException fault = await Assert.ThrowsAsync<LeaseDefinitionException>(
            async () => await Store.EnsureArenaAsync("others", null, Token));
        Assert.Contains("'others'", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 1, 30)]
    [InlineData(64, 0, 30)]
    [InlineData(64, 3, 30)]
    [InlineData(64, 1, 0)]
    [InlineData(64, 1, -1)]
    public async Task What_cannot_be_an_arena_is_refused(int size, int quantum, int seconds) =>
        await Assert.ThrowsAsync<LeaseDefinitionException>(
            async () => await Store.EnsureArenaAsync("others", Definition(size, quantum, TimeSpan.FromSeconds(seconds)), Token));

    [Fact]
    public async Task Arenas_are_apart_and_each_has_fences_of_its_own()
    {
        LeaseArena other = await Store.EnsureArenaAsync("others", Definition(64), Token);
        Guid session = await OpenAsync();
        LeaseClaim one = await GrantAsync(session, 8);
        LeaseClaim two = await GrantAsync(session, 8, other);
        Assert.NotEqual(Arena.Id, other.Id);
        Assert.Equal((one.Start, one.Fence), (two.Start, two.Fence));
        Assert.Equal(["1000+8 Leased", "1008+56 Free"], await ExtentsAsync(other));
        Assert.Empty(await Store.ValidateAsync(other.Id, Token));
    }

    [Fact]
    public async Task Two_that_make_the_same_arena_at_once_get_the_same()
    {
        LeaseArena[] made = await Task.WhenAll(Enumerable.Range(0, 8)
            .Select(_ => Task.Run(async () => await Store.EnsureArenaAsync("both", Definition(16), Token), Token)));
        Assert.Single(made.Distinct());
        Assert.Equal(["1000+16 Free"], await ExtentsAsync(made[0]));
    }

    [Fact]
    public async Task R7_a_session_number_is_good_for_one_session()
    {
        Guid session = await OpenAsync();
        await Assert.ThrowsAsync<LeaseSessionException>(async () => await Store.OpenSessionAsync(session, "twin", Ttl, 0, Token));
        await Store.CloseSessionAsync(session, clean: true, Token);
        await Assert.ThrowsAsync<LeaseSessionException>(async () => await Store.OpenSessionAsync(session, "heir", Ttl, 0, Token));
    }

    [Fact]
    public async Task R7_an_owner_of_the_same_name_inherits_nothing()
    {
        Guid first = await OpenAsync();
        await GrantAsync(first, 64);
        Guid second = await OpenAsync();
        Assert.Empty(await Store.GetHeldAsync(second, Token));
        Assert.Equal(LeaseVerdict.NoRoom, await TryAsync(second, 1));
    }

    [Fact]
    public async Task Each_renewal_is_counted_and_says_what_is_held()
    {
        Guid session = await OpenAsync();
        LeaseRenewal first = (await Store.RenewAsync(session, 0, Token))!;
        await GrantAsync(session, 8);
        await GrantAsync(session, 8);
        LeaseRenewal second = (await Store.RenewAsync(session, 0, Token))!;
        Assert.Equal((0, 2), (first.Held, second.Held));
        Assert.Equal(first.Beat + 1, second.Beat);
        Assert.Equal(first.Incarnation, second.Incarnation);
    }

    /// <summary>Of as many leases as before, too: what was taken away and what was granted cancel each other out in the count.</summary>
    [Fact]
    public async Task A_renewal_says_which_leases_are_held()
    {
        Guid session = await OpenAsync();
        LeaseClaim first = await GrantAsync(session, 8);
        LeaseClaim second = await GrantAsync(session, 8);
        Assert.Equal((2, LeaseRenewal.DigestOf([first.Request, second.Request])), await SaidAsync());
        Assert.True(await Store.ReleaseAsync(first, clean: false, null, Token));
        LeaseClaim third = await GrantAsync(session, 8);
        Assert.Equal((2, LeaseRenewal.DigestOf([second.Request, third.Request])), await SaidAsync());
        Assert.True(await Store.ReleaseAsync(second, clean: true, null, Token));
        Assert.True(await Store.ReleaseAsync(third, clean: true, null, Token));
        Assert.Equal((0, 0L), await SaidAsync());

        async Task<(long, long?)> SaidAsync()
        {
            LeaseRenewal renewal = (await Store.RenewAsync(session, 0, Token))!;
            return (renewal.Held, renewal.Digest);
        }
    }

    [Fact]
    public async Task An_unknown_session_cannot_be_renewed() => Assert.Null(await Store.RenewAsync(Guid.NewGuid(), 0, Token));

    [Fact]
    public async Task A_closed_session_cannot_be_renewed_and_has_given_back_all()
    {
        Guid session = await OpenAsync();
        await GrantAsync(session, 8);
        await GrantAsync(session, 8);
        await Store.CloseSessionAsync(session, clean: true, Token);
        Assert.Null(await Store.RenewAsync(session, 0, Token));
        Assert.Equal(["1000+64 Free"], await ExtentsAsync());
    }

    [Fact]
    public async Task A_session_that_is_closed_uncleanly_leaves_a_quarantine()
    {
        Guid session = await OpenAsync();
        await GrantAsync(session, 8);
        await Store.CloseSessionAsync(session, clean: false, Token);
        Assert.Equal(["1000+8 Quarantined", "1008+56 Free"], await ExtentsAsync());
        await ElapseAsync(1);
        Assert.Equal((UInt128)8, await SweepAsync());
    }

    [Fact]
    public async Task To_close_what_is_closed_or_unknown_does_nothing()
    {
        Guid session = await OpenAsync();
        await Store.CloseSessionAsync(session, clean: true, Token);
        await Store.CloseSessionAsync(session, clean: true, Token);
        await Store.CloseSessionAsync(Guid.NewGuid(), clean: true, Token);
    }

    [Fact]
    public async Task The_store_says_what_it_is()
    {
        LeaseStoreInfo info = await Store.GetInfoAsync(Token);
        Assert.NotEmpty(info.Engine);
        Assert.InRange(info.SchemaVersion, 1, int.MaxValue);
        Assert.Null(info.HoldUntil);
        await ElapseAsync(1);
        Assert.InRange((await Store.GetInfoAsync(Token)).Now - info.Now, Ttl, Ttl * 2);
    }
}
