namespace Vmem.Leasing.Conformance;

// A call that begins while another is in the middle of its statements.
public abstract partial class LeaseStoreContract
{
    /// <summary>Begins a call, stops it when it has its locks and reads the clock, begins another by another client, waits until that one
    /// has to wait, or is done, and lets both end. An engine whose tests cannot stop a call leaves this out.</summary>
    protected virtual Task OverlapAsync(Func<LeaseStore, Task> first, Func<LeaseStore, Task> second)
    {
        Assert.Skip("No call of this engine can be stopped in the middle.");
        return Task.CompletedTask;
    }

    [Theory]
    [InlineData(40, LeaseVerdict.NoRoom)]
    [InlineData(24, LeaseVerdict.Granted)]
    public async Task R2_a_grant_that_begins_within_another_sees_what_that_one_took(int size, LeaseVerdict expected)
    {
        LeaseRequest[] requests = [Request(await OpenAsync(), size), Request(await OpenAsync(), size)];
        var answers = new LeaseAnswer[2];
        await OverlapAsync(async store => answers[0] = await store.GrantAsync(requests[0], Token),
            async store => answers[1] = await store.GrantAsync(requests[1], Token));
        Assert.Equal((LeaseVerdict.Granted, expected), (answers[0].Verdict, answers[1].Verdict));
        Assert.Equal(((UInt128)1000, 1L), (answers[0].Claim!.Start, answers[0].Claim!.Fence));
        Assert.Equal(expected == LeaseVerdict.Granted ? ((UInt128)(1000 + size), 2L) : null,
            answers[1].Claim is { } claim ? (claim.Start, claim.Fence) : ((UInt128, long)?)null);
    }

    [Theory]
    [InlineData("release")]
    [InlineData("close")]
    [InlineData("sweep")]
    public async Task R2_a_grant_that_begins_while_another_call_makes_room_waits_and_gets_it(string call)
    {
        Guid holder = await OpenAsync();
        LeaseRequest request = Request(await OpenAsync(), 64);
        LeaseClaim claim = await GrantAsync(holder, 64);
        if (call == "sweep")
        {
            await ElapseAsync(1);
            await SweepAsync();
            await ElapseAsync(1);
            await RenewAsync(request.Session);
        }

        LeaseAnswer answer = default;
        await OverlapAsync(
            store => call switch
            {
                "release" => store.ReleaseAsync(claim, clean: true, null, Token).AsTask(),
                "close" => store.CloseSessionAsync(holder, clean: true, Token).AsTask(),
                _ => store.SweepAsync(Arena.Id, Token).AsTask(),
            },
            async store => answer = await store.GrantAsync(request, Token));
        Assert.Equal((LeaseVerdict.Granted, claim.Fence + 1), (answer.Verdict, answer.Claim?.Fence));
        Assert.Equal(["1000+64 Leased"], await ExtentsAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task R3_who_is_renewed_while_a_sweep_looks_lives_on(bool sweepsFirst)
    {
        Guid session = await OpenAsync();
        LeaseClaim claim = await GrantAsync(session, 8);
        await ElapseAsync(1);
        LeaseRenewal? renewal = null;
        Func<LeaseStore, Task> sweep = store => store.SweepAsync(Arena.Id, Token).AsTask();
        Func<LeaseStore, Task> renew = async store => renewal = await store.RenewAsync(session, 0, Token);
        await (sweepsFirst ? OverlapAsync(sweep, renew) : OverlapAsync(renew, sweep));
        Assert.Equal(1, renewal?.Held);
        LeaseSessionInfo known = Assert.Single(await Store.ListSessionsAsync(Token));
        Assert.Equal((session, LeaseSessionStage.Live), (known.Session, known.Stage));
        Assert.Equal([claim], await Store.GetHeldAsync(session, Token));
    }
}
