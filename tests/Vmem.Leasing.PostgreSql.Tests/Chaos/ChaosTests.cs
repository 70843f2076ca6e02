using System.Diagnostics;
using System.Globalization;
using Vmem.Leasing.PostgreSql.Tests.Server;
using Vmem.Testing.Generation;

namespace Vmem.Leasing.PostgreSql.Tests.Chaos;

/// <summary>A real server, holders in processes of their own, and everything that goes wrong between them. A checker looks at every use of
/// every value.</summary>
/// <remarks>The clock of the server is a function that is replaced by one that can be moved.</remarks>
public sealed class ChaosTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private const int Spans = 3;
    private const int Holders = 4;

    private const int LeastUses = 1_000_000;

    // A minute in CI; VMEM_CHAOS_SECONDS=1800 for a night.
    private static readonly double s_seconds =
        double.Parse(Environment.GetEnvironmentVariable("VMEM_CHAOS_SECONDS") ?? "60", CultureInfo.InvariantCulture);

    /// <summary>Until a checker must have found what is wrong.</summary>
    private static readonly TimeSpan s_patience = Playground.Patience;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Once", "Release")]
    public async Task With_all_rules_no_value_is_used_under_a_stale_fence_whatever_happens()
    {
        await using Playground playground = await Playground.CreateAsync(server, Spans, Token);
        Random random = new((int)(Night.FirstSeed % int.MaxValue) ^ 7);
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
                        await playground.StepClockAsync(TimeSpan.FromMinutes(random.Next(1, 60)));
                        lastStep = watch.Elapsed;
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
        TestContext.Current.TestOutputHelper!.WriteLine($"{UseChecker.CountUses(uses)} uses, {UseChecker.CountChanges(uses)} changes of hands");
        Assert.Equal(0, UseChecker.CountStale(uses));
        await playground.ValidateAsync();

        static bool IsEnough(List<Use> uses) => UseChecker.CountUses(uses) >= LeastUses && UseChecker.CountChanges(uses) > 0;
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
