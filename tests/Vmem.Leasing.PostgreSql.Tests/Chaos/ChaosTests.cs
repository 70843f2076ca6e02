using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Vmem.Leasing.PostgreSql.Tests.Server;

namespace Vmem.Leasing.PostgreSql.Tests.Chaos;

/// <summary>A real server, holders in processes of their own, and everything that goes wrong between them. A checker looks at every use of
/// every value. With a rule off it must find something: a checker that cannot fail proves nothing.</summary>
/// <remarks>A rule of the server is switched off by replacing a line of its functions in the test's database; the holder's own, by a holder
/// that waits to be told. The clock of the server is a function that is replaced by one that can be moved.</remarks>
public sealed class ChaosTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private const int Spans = 3;
    private const int Holders = 4;

    // Some seconds in CI; VMEM_CHAOS_SECONDS=1800 for the soak.
    private static readonly double s_seconds =
        double.Parse(Environment.GetEnvironmentVariable("VMEM_CHAOS_SECONDS") ?? "8", CultureInfo.InvariantCulture);

    /// <summary>Until a checker must have found what is wrong.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(40);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Once", "Release")]
    public async Task With_all_rules_no_value_is_used_under_a_stale_fence_whatever_happens()
    {
        await using Playground playground = await Playground.CreateAsync(server, Spans, Token);
        Random random = new(7);
        List<Process> holders = [];
        List<Proxy> proxies = [];
        for (int i = 0; i < Holders; i++)
        {
            proxies.Add(new Proxy(server.Port));
            holders.Add(Start(playground, proxies[i]));
        }

        bool hasFailedOver = false, wasServerKilled = false;
        Stopwatch watch = Stopwatch.StartNew();
        TimeSpan lastStep = -s_patience;
        try
        {
            await playground.UntilAsync(static uses => uses.Count > 0, s_patience);
            watch.Restart();
            while (watch.Elapsed.TotalSeconds < s_seconds)
            {
                int one = random.Next(Holders);
                switch (random.Next(6))
                {
                    case 0:
                        holders[one].Kill();
                        await holders[one].WaitForExitAsync(Token);
                        holders[one].Dispose();
                        holders[one] = Start(playground, proxies[one]);
                        break;
                    case 1:
                        _ = StopAsync(holders[one].Id, Holder.Ttl * (0.5 + random.NextDouble() * 3));
                        break;
                    case 2:
                        _ = FreezeAsync(proxies[one], Holder.Ttl * (0.5 + random.NextDouble() * 3));
                        break;
                    case 3:
                        proxies[one].LosesAnswer = true;
                        break;
                    case 4 when watch.Elapsed - lastStep > Holder.Ttl * 4:       // one step in a quarantine is promised, and two are not
                        lastStep = watch.Elapsed;
                        await playground.StepClockAsync(TimeSpan.FromMinutes(random.Next(1, 60)));
                        break;
                    case 5 when !wasServerKilled && watch.Elapsed.TotalSeconds > s_seconds / 3:
                        wasServerKilled = true;
                        await server.KillAsync();
                        await server.StartAsync();
                        playground.Source.Clear();
                        break;
                    case 5 when wasServerKilled && !hasFailedOver:
                        hasFailedOver = true;
                        await playground.RememberAsync();
                        await Task.Delay(300, Token);
                        await playground.FailOverAsync(isNoticed: true);
                        break;
                }

                await Task.Delay(random.Next(100, 400), Token);
            }

            // On a busy machine there may have been little to check: then it goes on, in peace.
            await playground.UntilAsync(IsEnough, s_patience * 3);
        }
        finally
        {
            holders.ForEach(static holder => holder.Kill());
            holders.ForEach(static holder => holder.WaitForExit());
            holders.ForEach(static holder => holder.Dispose());
            proxies.ForEach(static proxy => proxy.Dispose());
        }

        List<Use> uses = playground.Uses();
        TestContext.Current.SendDiagnosticMessage($"{uses.Count} uses, {UseChecker.CountChanges(uses)} changes of hands");
        Assert.Equal(0, UseChecker.CountStale(uses));
        await playground.ValidateAsync();

        static bool IsEnough(List<Use> uses) => uses.Count >= 1000 && UseChecker.CountChanges(uses) > 0;
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
        await using Playground playground = await Playground.CreateAsync(server, spans: 1, Token);
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
            new(1, second.Fence, (long)second.Start, 1), new(2, third.Fence, (long)third.Start, 2),
            new(3, second.Fence, (long)second.Start, 1),
        ];
        Assert.Equal(1, UseChecker.CountStale(uses));
    }

    /// <summary>Without request numbers a grant whose answer was lost is granted again, and nobody gives the first back.</summary>
    [Fact]
    public async Task R11_without_request_numbers_a_lost_answer_is_a_lost_lease()
    {
        await using Playground playground = await Playground.CreateAsync(server, spans: 2, Token);
        const string Grant = "vmem.grant_lease(int,uuid,uuid,bigint,bigint,bigint,bigint,bigint,bigint)";
        await playground.PatchAsync(Grant, "x.request = p_request", "false");
        await PostgresServer.ExecuteAsync(playground.Source, "DROP INDEX vmem.extent_request");
        PostgreSqlLeaseStore store = new(playground.Source);
        LeaseArena arena = await store.EnsureArenaAsync(Holder.ArenaName, null, Token);
        var session = Guid.NewGuid();
        await store.OpenSessionAsync(session, "chaos", Holder.Ttl, 0, Token);
        LeaseRequest request = new(arena.Id, session, Guid.NewGuid(), Holder.SpanSize);
        await store.GrantAsync(request, Token);
        await store.GrantAsync(request, Token);
        Assert.Equal(2, (await store.GetHeldAsync(session, Token)).Count);
    }

    private static async Task<LeaseClaim> GrantAsync(PostgreSqlLeaseStore store)
    {
        LeaseArena arena = await store.EnsureArenaAsync(Holder.ArenaName, null, Token);
        var session = Guid.NewGuid();
        await store.OpenSessionAsync(session, "chaos", Holder.Ttl, 0, Token);
        return (await store.GrantAsync(new LeaseRequest(arena.Id, session, Guid.NewGuid(), Holder.SpanSize), Token)).Claim!;
    }

    private static async Task FreezeAsync(Proxy proxy, TimeSpan time)
    {
        proxy.IsFrozen = true;
        await Task.Delay(time);
        proxy.IsFrozen = false;
    }

    private static async Task StopAsync(int process, TimeSpan time)
    {
        await PostgresServer.OutputAsync("kill", "-STOP", process.ToString(CultureInfo.InvariantCulture));
        await Task.Delay(time);
        await PostgresServer.OutputAsync("kill", "-CONT", process.ToString(CultureInfo.InvariantCulture));
    }

    private Process Start(Playground playground, Proxy proxy)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardOutput = true };
        string method = $"{typeof(HolderProcess).FullName}.{nameof(HolderProcess.Run)}";
        string[] arguments = ["--explicit", "only", "--filter-method", method, "--progress", "off"];
        Array.ForEach(arguments, start.ArgumentList.Add);
        foreach ((string name, string value) in Holder.EnvironmentOf(server.AddressOf(playground.Database, proxy.Port), playground.Folder))
        {
            start.Environment[name] = value;
        }

        Process process = Process.Start(start)!;
        process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        return process;
    }
}
