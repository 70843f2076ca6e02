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
        double[][] turns = Rounds.InTurns(servers, runs, server => server.Measure(path, context.Settings.Seconds));
        double[] medians = [.. turns.Select(Rounds.Median)];
        double ratio = Rounds.Median(turns[1].Select((ours, i) => 2 * ours / (turns[0][i] + turns[2][i])));
        double twins = Rounds.Median(turns[2].Select((again, i) => again / turns[0][i]));
        report.Add(new ReportTable($"{path}: requests a second, median of {runs}", ["pool", "requests/s"],
            [.. servers.Select((server, i) => (IReadOnlyList<string>)[server.Name, Cells.Count((long)medians[i])])]));
        report.Add(new Bar($"{path}: Vmem against stock", "0.97×", LeastRatio, ratio, "×", AtLeast: true));
        report.Note($"{path}: the two with the stock pool differ by {Cells.Fixed(twins, 3)} ×.");
        context.Progress($"{path}: {string.Join(", ", servers.Select((server, i) => $"{server.Name} {medians[i]:N0}"))}; {ratio:0.000} ×, twins {twins:0.000} ×");
    }

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
