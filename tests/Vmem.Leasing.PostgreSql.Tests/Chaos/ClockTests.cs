using Vmem.Leasing.PostgreSql.Tests.Server;
using Vmem.Testing.Time;

namespace Vmem.Leasing.PostgreSql.Tests.Chaos;

/// <summary>The clock of the server's machine is set, under holders that use what they hold.</summary>
public sealed class ClockTests(FakedClockServer server) : IClassFixture<FakedClockServer>
{
    private static readonly TimeSpan s_patience = Playground.Patience;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A step forward: all lapse, and their next renewals revive them. A step back: they live longer.</summary>
    [Fact]
    [Trait("Once", "Release")]
    public async Task A_step_of_the_servers_clock_forward_and_one_back_make_no_second_holder()
    {
        server.SetAhead(TimeSpan.Zero);           // whichever test came before
        await using Playground playground = await Playground.CreateAsync(server, spans: 1, Token);
        PostgreSqlLeaseStore store = new(playground.Source);
        LeaseArena arena = await store.EnsureArenaAsync(Holder.ArenaName, null, Token);
        await using (playground.Hold(null, looksAtDeadline: true))
        {
            await playground.UntilAsync(static uses => uses.Count > 0, s_patience);
            TimeSpan ahead = TimeSpan.Zero;
            while (await CountAsync(playground, LeaseEvent.Revive) == 0)
            {
                // If a renewal comes before the sweep, or on a busy machine after the quarantine, once more. One step in a quarantine is
                // promised, and two are not.
                DateTimeOffset before = (await store.GetInfoAsync(Token)).Now;
                server.SetAhead(ahead += TimeSpan.FromHours(1));
                await store.SweepAsync(arena.Id, Token);
                Assert.InRange((await store.GetInfoAsync(Token)).Now, before + TimeSpan.FromMinutes(59), DateTimeOffset.MaxValue);
                long beats = await BeatsAsync(playground);
                await Eventually.HoldsAsync(async () => await BeatsAsync(playground) > beats + 12);
            }

            Assert.NotEqual(0, await CountAsync(playground, LeaseEvent.Lapse));
            long uses = UseChecker.CountUses(playground.Uses());
            server.SetAhead(TimeSpan.Zero);
            await store.SweepAsync(arena.Id, Token);
            await playground.UntilAsync(now => UseChecker.CountUses(now) > uses, s_patience);
        }

        Assert.Equal(0, UseChecker.CountStale(playground.Uses()));
        await playground.ValidateAsync();
    }

    /// <summary>The clock is really another: without the quarantine a step of it makes two holders.</summary>
    [Fact]
    [Trait("Once", "Release")]
    public async Task R3_without_a_quarantine_a_step_of_the_servers_clock_makes_two_holders()
    {
        server.SetAhead(TimeSpan.Zero);           // whichever test came before
        await using Playground playground = await Playground.CreateAsync(server, spans: 1, Token);
        await playground.PatchAsync("vmem.sweep(int)", "SET state = 'P', lapsed_at = t", "SET state = 'D', lapsed_at = t");
        TimeSpan ahead = TimeSpan.Zero;
        await using (playground.Hold(null, looksAtDeadline: true))
        {
            await playground.UntilAsync(static uses => uses.Count > 0, s_patience);
            await using (playground.Hold(null, looksAtDeadline: true))
            await using (playground.Hold(null, looksAtDeadline: true))
            {
                await playground.UntilAsync(static uses => UseChecker.CountStale(uses) > 0, s_patience, () =>
                {
                    server.SetAhead(ahead += TimeSpan.FromHours(1));
                    return Task.CompletedTask;
                });
            }
        }
    }

    private static async Task<long> BeatsAsync(Playground playground) =>
        (long)(await PostgresServer.ExecuteAsync(playground.Source, "SELECT sum(beat)::bigint FROM vmem.session"))!;

    private static async Task<long> CountAsync(Playground playground, LeaseEvent what) =>
        (long)(await PostgresServer.ExecuteAsync(playground.Source, $"SELECT count(*) FROM vmem.audit WHERE event = {(int)what}"))!;
}
