using Vmem.AspNetCore;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Web;

namespace Vmem.Benchmarks.Studies;

/// <summary>Kestrel over our pool beside Kestrel over its own: requests a second, and what is left of a burst of connections.</summary>
internal sealed class WebStudy : IStudy
{
    private const double LeastRatio = 0.97;
    private const int Connections = 10_000;

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(5);

    public string Name => "web";

    public string Description => "Kestrel over UseVmemPool beside Kestrel over its own pool.";

    public StudyReport Run(StudyContext context)
    {
        StudyReport report = new(
            Name,
            "A pool under Kestrel",
            "Requests a second of 16 connections in the server's process. The servers take turns, ours between two with the stock pool; "
            + "a ratio is that of a turn to the mean of its neighbours, and the median of all turns counts.");
        ServerSubject[] servers =
        [
            ServerSubject.Start("stock", static _ => { }),
            ServerSubject.Start("Vmem", static host => host.UseVmemPool(static options => options.TrimInterval = s_interval)),
            ServerSubject.Start("stock, again", static _ => { }),
        ];
        MeasurePairs(context, report, servers);
        foreach (string path in (string[])["/hello", "/long"])
        {
            MeasureRequests(context, report, servers, path);
        }

        report.Add(new ReportTable("Resident memory of a burst, MiB", ["pool", "connections", "before", "with them", "an interval later", "two", "three"],
            [.. servers[..2].Select(server => MeasureBurst(context, server))]));
        Array.ForEach(servers, static server => server.DisposeAsync().AsTask().GetAwaiter().GetResult());
        return report;
    }

    private static void MeasureRequests(StudyContext context, StudyReport report, ServerSubject[] servers, string path)
    {
        int runs = context.Settings.Runs ?? 15;
        ServerTurn[][] turns = Rounds.InTurns(servers, runs, server => server.Measure(path, context.Settings.Seconds));
        double[] medians = Rounds.Medians(turns, static turn => turn.Rate);
        double[] processor = Rounds.Medians(turns, static turn => turn.Processor);
        double ratio = CompareTurns(turns, static turn => turn.Rate);
        double work = CompareTurns(turns, static turn => turn.Processor);
        double twins = Rounds.Median(turns[2].Select((again, i) => again.Rate / turns[0][i].Rate));
        report.Add(new ReportTable(
            $"{path}: median of {runs}",
            ["pool", "requests/s", "processor time a request, µs", "collections a turn"],
            [.. servers.Select((server, i) => (IReadOnlyList<string>)
            [
                server.Name, Cells.Count((long)medians[i]), Cells.Fixed(processor[i], 1),
                Cells.Fixed(turns[i].Average(static turn => turn.Collections), 1),
            ])]));
        report.Add(new Bar($"{path}: Vmem against stock", "0.97×", LeastRatio, ratio, "×", AtLeast: true));
        report.Note($"{path}: processor time a request is {Cells.Fixed(work, 3)} × that with the stock pool. The two with the stock pool differ by {Cells.Fixed(twins, 3)} ×.");
        context.Progress($"{path}: {string.Join(", ", servers.Select((server, i) => $"{server.Name} {medians[i]:N0} ({processor[i]:0.0} µs)"))}; {ratio:0.000} ×, processor time {work:0.000} ×, twins {twins:0.000} ×");
    }

    /// <summary>Ours by the mean of its neighbours: the median of all turns.</summary>
    private static double CompareTurns(ServerTurn[][] turns, Func<ServerTurn, double> metric) =>
        Rounds.Median(turns[1].Select((ours, i) => 2 * metric(ours) / (metric(turns[0][i]) + metric(turns[2][i]))));

    /// <summary>The pools alone: blocks rented and given back by one thread, and from one thread to another, as from a reader of requests
    /// to a writer of answers.</summary>
    private static void MeasurePairs(StudyContext context, StudyReport report, ServerSubject[] servers)
    {
        const int Runs = 15;
        List<IReadOnlyList<string>> rows = [];
        foreach ((string what, Func<ServerSubject, double> measure) in PoolPairs.All)
        {
            double[] medians = [.. Rounds.InTurns(servers, Runs, measure).Select(Rounds.Median)];
            rows.Add([what, .. medians.Select(static median => Cells.Nanoseconds(median))]);
            context.Progress($"{what}: {string.Join(", ", servers.Select((server, i) => $"{server.Name} {medians[i]:0.0}"))} ns");
        }

        report.Add(new ReportTable("A block rented and given back, ns", ["", .. servers.Select(static server => server.Name)], rows));
    }

    private static IReadOnlyList<string> MeasureBurst(StudyContext context, ServerSubject server)
    {
        long before = ResidentMemory.Measure();
        long with;
        int count;
        using (Visitors visitors = new(server.Port, Connections))
        {
            Thread.Sleep(s_interval);
            count = visitors.Count;
            with = ResidentMemory.Measure();
        }

        long[] after = new long[3];
        for (int i = 0; i < after.Length; i++)
        {
            Thread.Sleep(s_interval);
            after[i] = ResidentMemory.Measure();
        }

        context.Progress($"{server.Name}: {count} connections, {before >> 20} → {with >> 20} → {string.Join(", ", after.Select(static bytes => bytes >> 20))} MiB");
        return [server.Name, Cells.Count(count), .. new[] { before, with }.Concat(after).Select(static bytes => Cells.Count(bytes >> 20))];
    }
}
