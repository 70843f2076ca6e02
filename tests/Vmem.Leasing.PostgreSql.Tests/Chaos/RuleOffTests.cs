using Npgsql;
using Vmem.Leasing.PostgreSql.Tests.Server;

namespace Vmem.Leasing.PostgreSql.Tests.Chaos;

/// <summary>With a rule off the checker must find something: a checker that cannot fail proves nothing.</summary>
/// <remarks>A rule of the server is switched off by replacing a line of its functions in the test's database. A rule of the holder is
/// switched off by a holder that leaves it out. The same holder with the rule must be found to be right.</remarks>
public sealed class RuleOffTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    /// <summary>Until a checker must have found what is wrong.</summary>
    private static readonly TimeSpan s_patience = Playground.Patience;

    /// <summary>Of sessions that nobody renews.</summary>
    private static readonly TimeSpan s_long = TimeSpan.FromMinutes(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The answer to a renewal comes after the lease was given to somebody else. Counted from then, it would be valid.</summary>
    [Fact]
    [Trait("Once", "Release")]
    public async Task R1_with_a_deadline_that_counts_from_the_answer_a_late_answer_makes_two_holders()
    {
        await Task.WhenAll(LateAnswerAsync(Rule.R1), LateAnswerAsync(Rule.None));

        async Task LateAnswerAsync(Rule off)
        {
            await using Playground playground = await Playground.CreateAsync(server, spans: 1, Token);
            using Proxy proxy = new(server.Port);
            await using Playground.Run late = playground.HoldBare(proxy, off);
            await playground.UntilAsync(static uses => uses.Count > 0, s_patience);
            proxy.HoldsAnswers = true;
            await using IAsyncDisposable next = playground.Hold(null, looksAtDeadline: true);
            await playground.UntilAsync(static uses => UseChecker.CountChanges(uses) > 0, s_patience);
            proxy.HoldsAnswers = false;
            await EndsRightlyUnlessAsync(off, playground, late);
        }
    }

    /// <summary>The failover forgets that the first holder died, and that another followed.</summary>
    [Fact]
    [Trait("Once", "Release")]
    public async Task R5_with_a_holder_that_goes_on_past_its_deadline_a_failover_makes_two_holders()
    {
        await Task.WhenAll(FailOverAsync(Rule.R5), FailOverAsync(Rule.None));

        async Task FailOverAsync(Rule off)
        {
            await using Playground playground = await Playground.CreateAsync(server, spans: 1, Token);
            using Proxy proxy = new(server.Port);
            await using Playground.Run first = playground.HoldBare(proxy, off);
            await playground.UntilAsync(static uses => uses.Count > 0, s_patience);
            await playground.RememberAsync();
            proxy.IsFrozen = true;
            await using IAsyncDisposable next = playground.Hold(null, looksAtDeadline: true);
            await playground.UntilAsync(static uses => UseChecker.CountChanges(uses) > 0, s_patience);
            await playground.FailOverAsync(isNoticed: true);
            proxy.IsFrozen = false;
            await EndsRightlyUnlessAsync(off, playground, first);
        }
    }

    /// <summary>Two processes of one name: a second copy was started, or the machine was cloned.</summary>
    [Fact]
    [Trait("Once", "Release")]
    public async Task R7_with_a_number_made_from_a_name_a_second_process_of_the_name_makes_two_holders()
    {
        await using Playground playground = await Playground.CreateAsync(server, spans: 1, Token);
        await using Playground.Run first = playground.HoldBare(null, Rule.R7);
        await playground.UntilAsync(static uses => uses.Count > 0, s_patience);
        await using Playground.Run second = playground.HoldBare(null, Rule.R7);
        await playground.UntilAsync(static uses => UseChecker.CountStale(uses) > 0, s_patience);
    }

    /// <summary>The usual library: a holder goes on until somebody tells it. A cut network tells nobody.</summary>
    [Fact]
    [Trait("Once", "Release")]
    public async Task R6_without_a_look_at_the_deadline_a_cut_network_makes_two_holders()
    {
        await using Playground playground = await Playground.CreateAsync(server, spans: 1, Token);
        using Proxy proxy = new(server.Port);
        await using (playground.Hold(proxy, looksAtDeadline: false))
        {
            await playground.UntilAsync(static uses => uses.Count > 0, s_patience);
            await using (playground.Hold(null, looksAtDeadline: true))
            {
                proxy.IsFrozen = true;
                await playground.UntilAsync(static uses => UseChecker.CountStale(uses) > 0, s_patience);
                proxy.IsFrozen = false;
            }
        }
    }

    /// <summary>Reuse at the lapse: one step of the clock gives away what is in use.</summary>
    [Fact]
    [Trait("Once", "Release")]
    public async Task R3_without_a_quarantine_a_step_of_the_clock_makes_two_holders()
    {
        await using Playground playground = await Playground.CreateAsync(server, spans: 1, Token);
        await playground.PatchAsync("vmem.sweep(int)", "SET state = 'P', lapsed_at = t", "SET state = 'D', lapsed_at = t");
        await using (playground.Hold(null, looksAtDeadline: true))
        {
            await playground.UntilAsync(static uses => uses.Count > 0, s_patience);
            await using (playground.Hold(null, looksAtDeadline: true))
            await using (playground.Hold(null, looksAtDeadline: true))
            {
                await playground.UntilAsync(static uses => UseChecker.CountStale(uses) > 0, s_patience,
                    () => playground.StepClockAsync(TimeSpan.FromHours(1)));
            }
        }
    }

    /// <summary>A failover that is not noticed: the successor gives what was given, and under the same fences.</summary>
    [Fact]
    [Trait("Once", "Release")]
    public async Task R4_without_a_hold_a_failover_makes_two_holders_under_one_fence()
    {
        await using Playground playground = await Playground.CreateAsync(server, spans: 1, Token);
        await playground.RememberAsync();
        await using (playground.Hold(null, looksAtDeadline: true))
        {
            await playground.UntilAsync(static uses => uses.Count > 0, s_patience);
            await playground.FailOverAsync(isNoticed: false);
            await using (playground.Hold(null, looksAtDeadline: true))
            {
                await playground.UntilAsync(static uses => UseChecker.CountStale(uses) > 0, s_patience);
            }
        }
    }

    /// <summary>A release that does not name session and fence frees the next holder's lease.</summary>
    [Fact]
    public async Task R8_without_session_and_fence_a_late_release_makes_two_holders()
    {
        await using Playground playground = await Playground.CreateAsync(server, spans: 1, Token, s_long);
        await playground.PatchAsync("vmem._is_held(int,uuid,bigint,bigint,bigint)", "AND s.instance = p_session AND x.fence = p_fence", "");
        PostgreSqlLeaseStore store = new(playground.Source);
        LeaseClaim late = await GrantAsync(store);
        Assert.True(await store.ReleaseAsync(late, clean: true, null, Token));
        LeaseClaim second = await GrantAsync(store);
        Assert.True(await store.ReleaseAsync(late, clean: true, null, Token));       // the answer to the first was lost, so it came again
        LeaseClaim third = await GrantAsync(store);
        Assert.Equal(second.Start, third.Start);
        Use[] uses =
        [
            new(1, 3, 2, second.Fence, (long)second.Start, 1), new(2, 2, 1, third.Fence, (long)third.Start, 2),
        ];
        Assert.Equal(1, UseChecker.CountStale(uses));
    }

    /// <summary>Without request numbers a grant whose answer was lost is granted again, and nobody gives the first back.</summary>
    [Fact]
    public async Task R11_without_request_numbers_a_lost_answer_is_a_lost_lease()
    {
        await using Playground playground = await Playground.CreateAsync(server, spans: 2, Token, s_long);
        const string Grant = "vmem.grant_quickly(int,uuid,uuid,bigint,bigint,bigint,bigint,bigint,bigint)";
        await playground.PatchAsync(Grant, "g.request = p_request", "false");
        await PostgresServer.ExecuteAsync(playground.Source, "DROP INDEX vmem.extent_request");
        PostgreSqlLeaseStore store = new(playground.Source);
        LeaseArena arena = await store.EnsureArenaAsync(Holder.ArenaName, null, Token);
        var session = Guid.NewGuid();
        await store.OpenSessionAsync(session, "chaos", s_long, 0, Token);
        LeaseRequest request = new(arena.Id, session, Guid.NewGuid(), Holder.SpanSize);
        await store.GrantAsync(request, Token);
        await store.GrantAsync(request, Token);
        Assert.Equal(2, (await store.GetHeldAsync(session, Token)).Count);
    }

    private static async Task<LeaseClaim> GrantAsync(PostgreSqlLeaseStore store)
    {
        LeaseArena arena = await store.EnsureArenaAsync(Holder.ArenaName, null, Token);
        var session = Guid.NewGuid();
        await store.OpenSessionAsync(session, "chaos", s_long, 0, Token);
        return (await store.GrantAsync(new LeaseRequest(arena.Id, session, Guid.NewGuid(), Holder.SpanSize), Token)).Claim!;
    }

    /// <summary>Without the rule there is a stale use. With it the holder ends, and there is none.</summary>
    private static async Task EndsRightlyUnlessAsync(Rule off, Playground playground, Playground.Run holder)
    {
        if (off == Rule.None)
        {
            await holder.Running.WaitAsync(s_patience, Token);
            Assert.Equal(0, UseChecker.CountStale(playground.Uses()));
        }
        else
        {
            await playground.UntilAsync(static uses => UseChecker.CountStale(uses) > 0, s_patience);
        }
    }
}
