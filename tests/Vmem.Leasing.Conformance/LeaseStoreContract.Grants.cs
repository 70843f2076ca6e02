using Vmem.Leasing;

namespace Vmem.Leasing.Conformance;

// Grants.
public abstract partial class LeaseStoreContract
{
    [Fact]
    public async Task Grants_come_from_the_lowest_place_and_tile_the_arena()
    {
        Guid session = await OpenAsync();
        Assert.Equal((UInt128)1000, (await GrantAsync(session, 8)).Start);
        Assert.Equal((UInt128)1008, (await GrantAsync(session, 16)).Start);
        Assert.Equal(["1000+8 Leased", "1008+16 Leased", "1024+40 Free"], await ExtentsAsync());
    }

    [Fact]
    public async Task The_smallest_extent_that_fits_is_taken()
    {
        Guid session = await OpenAsync();
        LeaseClaim wide = await GrantAsync(session, 16);
        await GrantAsync(session, 1);
        LeaseClaim narrow = await GrantAsync(session, 8);
        await GrantAsync(session, 1);
        Assert.True(await Store.ReleaseAsync(wide, clean: true, null, Token));
        Assert.True(await Store.ReleaseAsync(narrow, clean: true, null, Token));
        Assert.Equal(narrow.Start, (await GrantAsync(session, 7)).Start);
        Assert.Equal(wide.Start, (await GrantAsync(session, 9)).Start);
    }

    [Fact]
    public async Task Fences_grow_strictly_over_all_holders()
    {
        long last = 0;
        for (int i = 0; i < 20; i++)
        {
            Guid session = await OpenAsync();
            LeaseClaim claim = await GrantAsync(session, 1 + i % 5);
            Assert.InRange(claim.Fence, last + 1, long.MaxValue);
            last = claim.Fence;
            await Store.CloseSessionAsync(session, clean: i % 2 == 0, Token);
        }
    }

    [Fact]
    public async Task A_full_arena_has_no_room_and_a_refusal_changes_nothing()
    {
        Guid session = await OpenAsync();
        await GrantAsync(session, 64);
        Assert.Equal(LeaseVerdict.NoRoom, await TryAsync(session, 1));
        Assert.Equal(["1000+64 Leased"], await ExtentsAsync());
        Assert.Single(await Store.GetHeldAsync(session, Token));
    }

    [Fact]
    public async Task With_a_least_size_the_largest_extent_is_given_if_none_is_long_enough()
    {
        Guid session = await OpenAsync();
        await GrantAsync(session, 60);
        LeaseAnswer answer = await Store.GrantAsync(Request(session, 16) with { MinSize = 2 }, Token);
        Assert.Equal((LeaseVerdict.Granted, (UInt128)4), (answer.Verdict, answer.Claim!.Size));
        Assert.Equal(LeaseVerdict.NoRoom, (await Store.GrantAsync(Request(session, 16) with { MinSize = 2 }, Token)).Verdict);
    }

    [Fact]
    public async Task A_least_size_that_nothing_has_is_no_room()
    {
        Guid session = await OpenAsync();
        await GrantAsync(session, 63);
        Assert.Equal(LeaseVerdict.NoRoom, (await Store.GrantAsync(Request(session, 16) with { MinSize = 2 }, Token)).Verdict);
    }

    [Theory]
    [InlineData(0, 4)]
    [InlineData(6, 4)]
    [InlineData(128, 4)]
    public async Task A_size_that_cannot_be_is_refused(int size, int quantum)
    {
        LeaseArena coarse = await Store.EnsureArenaAsync("coarse", Definition(64, quantum), Token);
        Guid session = await OpenAsync();
        await Assert.ThrowsAsync<LeaseDefinitionException>(async () => await Store.GrantAsync(Request(session, size, coarse), Token));
        Assert.Equal(["1000+64 Free"], await ExtentsAsync(coarse));
    }

    [Fact]
    public async Task An_unknown_arena_is_refused()
    {
        Guid session = await OpenAsync();
        LeaseRequest request = Request(session, 1) with { Arena = 4711 };
        await Assert.ThrowsAsync<LeaseDefinitionException>(async () => await Store.GrantAsync(request, Token));
    }

    [Fact]
    public async Task An_unknown_session_is_not_live() => Assert.Equal(LeaseVerdict.SessionNotLive, await TryAsync(Guid.NewGuid(), 1));

    [Fact]
    public async Task A_closed_session_is_not_live()
    {
        Guid session = await OpenAsync();
        await Store.CloseSessionAsync(session, clean: true, Token);
        Assert.Equal(LeaseVerdict.SessionNotLive, await TryAsync(session, 1));
    }

    [Fact]
    public async Task An_expired_session_is_not_live_until_it_is_renewed()
    {
        Guid session = await OpenAsync();
        await ElapseAsync(1);
        Assert.Equal(LeaseVerdict.SessionNotLive, await TryAsync(session, 1));
        await RenewAsync(session);
        Assert.Equal(LeaseVerdict.Granted, await TryAsync(session, 1));
    }

    [Fact]
    public async Task R11_the_same_request_is_the_same_grant()
    {
        Guid session = await OpenAsync();
        LeaseRequest request = Request(session, 8);
        LeaseAnswer first = await Store.GrantAsync(request, Token);
        LeaseAnswer second = await Store.GrantAsync(request, Token);
        Assert.Equal(first, second);
        Assert.Equal(["1000+8 Leased", "1008+56 Free"], await ExtentsAsync());
        Assert.Equal([first.Claim!], await Store.GetHeldAsync(session, Token));
    }

    [Fact]
    public async Task Several_are_granted_in_their_order_and_each_by_itself()
    {
        Guid session = await OpenAsync();
        LeaseRequest[] requests =
        [
            Request(session, 8), Request(session, 60), Request(session, 4) with { Align = 16 }, Request(session, 8), Request(session, 2),
            Request(session, 60) with { MinSize = 30 }, Request(session, 1),
        ];
        IReadOnlyList<LeaseAnswer> answers = await Store.GrantManyAsync(requests, Token);
        Assert.Equal(["1000+8 1", "NoRoom", "1008+4 2", "1012+8 3", "1020+2 4", "1022+42 5", "NoRoom"], answers.Select(
            static answer => answer.Claim is { } claim ? $"{claim.Start}+{claim.Size} {claim.Fence}" : $"{answer.Verdict}"));
        Assert.Equal(requests.Where((_, i) => answers[i].Claim is not null).Select(static request => request.Id),
            answers.Select(static answer => answer.Claim).OfType<LeaseClaim>().Select(static claim => claim.Request));
        Assert.Equal(answers, await Store.GrantManyAsync(requests, Token));
        Assert.Equal(5, (await Store.GetHeldAsync(session, Token)).Count);
    }

    [Fact]
    public async Task Several_of_two_sessions_and_none_at_all()
    {
        LeaseRequest one = Request(await OpenAsync(), 1);
        LeaseRequest other = Request(await OpenAsync(), 1);
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.GrantManyAsync([one, other], Token));
        Assert.Equal(["1000+64 Free"], await ExtentsAsync());
        Assert.Empty(await Store.GrantManyAsync([], Token));
    }

    /// <summary>Between a grant and the next of the same call a smaller place may be the better one.</summary>
    [Fact]
    public async Task Of_several_each_gets_the_smallest_place_that_is_long_enough()
    {
        Guid session = await OpenAsync();
        LeaseClaim hole = await GrantAsync(session, 4);
        await GrantAsync(session, 1);
        await Store.ReleaseAsync(hole, clean: true, null, Token);
        IReadOnlyList<LeaseAnswer> answers = await Store.GrantManyAsync(
            [Request(session, 8), Request(session, 3), Request(session, 9), Request(session, 1), Request(session, 8)], Token);
        Assert.Equal([1005, 1000, 1013, 1003, 1022], answers.Select(static answer => (int)answer.Claim!.Start));
    }

    [Fact]
    public async Task R11_the_same_request_asked_at_once_is_one_grant()
    {
        Guid session = await OpenAsync();
        LeaseRequest request = Request(session, 8);
        LeaseAnswer[] answers = await Task.WhenAll(Enumerable.Range(0, 8)
            .Select(_ => Task.Run(async () => await Store.GrantAsync(request, Token), Token)));
        Assert.Single(answers.Distinct());
        Assert.Single(await Store.GetHeldAsync(session, Token));
    }

    [Fact]
    public async Task R11_after_its_release_the_same_request_is_another_grant()
    {
        Guid session = await OpenAsync();
        LeaseRequest request = Request(session, 8);
        LeaseClaim first = (await Store.GrantAsync(request, Token)).Claim!;
        await Store.ReleaseAsync(first, clean: true, null, Token);
        LeaseClaim second = (await Store.GrantAsync(request, Token)).Claim!;
        Assert.InRange(second.Fence, first.Fence + 1, long.MaxValue);
    }

    [Fact]
    public async Task R11_a_request_is_its_sessions_own()
    {
        LeaseRequest request = Request(await OpenAsync(), 8);
        LeaseClaim first = (await Store.GrantAsync(request, Token)).Claim!;
        LeaseClaim second = (await Store.GrantAsync(request with { Session = await OpenAsync() }, Token)).Claim!;
        Assert.NotEqual(first.Start, second.Start);
    }

    [Theory]
    [InlineData(16, 0, 0, 0, 1008)]
    [InlineData(16, 3, 0, 0, 1011)]
    [InlineData(100, 0, 0, 0, 1000)]
    [InlineData(0, 0, 1010, 0, 1010)]
    [InlineData(32, 0, 1010, 1040, 1024)]
    [InlineData(0, 0, 0, 1008, 1000)]
    public async Task Constraints_are_kept(int align, int phase, int min, int max, int expected)
    {
        Guid session = await OpenAsync();
        LeaseRequest request = Request(session, 8) with
        {
            Align = (UInt128)align,
            Phase = (UInt128)phase,
            Min = (UInt128)min,
            Max = (UInt128)max,
        };
        Assert.Equal((UInt128)expected, (await Store.GrantAsync(request, Token)).Claim!.Start);
        Assert.Empty(await Store.ValidateAsync(Arena.Id, Token));
    }

    [Theory]
    [InlineData(1000, 900, 0, 0)]
    [InlineData(0, 0, 1060, 0)]
    [InlineData(0, 0, 0, 1007)]
    [InlineData(0, 0, 1020, 1027)]
    public async Task Constraints_that_no_place_keeps_are_no_room(int align, int phase, int min, int max)
    {
        Guid session = await OpenAsync();
        LeaseRequest request = Request(session, 8) with
        {
            Align = (UInt128)align,
            Phase = (UInt128)phase,
            Min = (UInt128)min,
            Max = (UInt128)max,
        };
        Assert.Equal(LeaseVerdict.NoRoom, (await Store.GrantAsync(request, Token)).Verdict);
    }

    [Fact]
    public async Task R3_a_session_that_believes_longer_than_the_quarantine_is_refused()
    {
        Guid session = await OpenAsync(Ttl * 2);
        LeaseDefinitionException fault = await Assert.ThrowsAsync<LeaseDefinitionException>(async () => await TryAsync(session, 1));
        Assert.Contains("quarantine", fault.Message, StringComparison.Ordinal);
        Assert.Equal(["1000+64 Free"], await ExtentsAsync());
    }

    [Fact]
    public async Task R2_grants_at_once_never_overlap()
    {
        Guid[] sessions = [await OpenAsync(), await OpenAsync(), await OpenAsync(), await OpenAsync()];
        LeaseAnswer[][] answers = await Task.WhenAll(sessions.Select(session => Task.Run(async () =>
        {
            List<LeaseAnswer> mine = [];
            for (int i = 0; i < 20; i++)
            {
                mine.Add(await Store.GrantAsync(Request(session, 1), Token));
            }

            return mine.ToArray();
        }, Token)));
        LeaseClaim[] granted = [.. answers.SelectMany(mine => mine).Select(answer => answer.Claim).OfType<LeaseClaim>()];
        Assert.Equal(64, granted.Length);
        Assert.Equal(64, granted.Select(claim => claim.Start).Distinct().Count());
        Assert.Equal(64, granted.Select(claim => claim.Fence).Distinct().Count());
    }

    [Fact]
    public async Task With_a_least_size_the_largest_of_several_is_given_up_to_just_that()
    {
        Guid session = await OpenAsync();
        LeaseClaim small = await GrantAsync(session, 3);
        await GrantAsync(session, 1);
        LeaseClaim large = await GrantAsync(session, 5);
        await GrantAsync(session, 55);
        await Store.ReleaseAsync(small, clean: true, null, Token);
        await Store.ReleaseAsync(large, clean: true, null, Token);
        Assert.Equal((UInt128)5, (await Store.GetUsageAsync(Arena.Id, Token)).LargestFree);
        Assert.Equal(LeaseVerdict.NoRoom, (await Store.GrantAsync(Request(session, 16) with { MinSize = 6 }, Token)).Verdict);
        LeaseAnswer answer = await Store.GrantAsync(Request(session, 16) with { MinSize = 5 }, Token);
        Assert.Equal((large.Start, (UInt128)5), (answer.Claim!.Start, answer.Claim.Size));
        await GrantAsync(session, 3);
        Assert.Equal(UInt128.Zero, (await Store.GetUsageAsync(Arena.Id, Token)).LargestFree);
    }
}
