using System.Net.Sockets;
using Vmem.AspNetCore;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Web;

namespace Vmem.Benchmarks.Studies;

/// <summary>Kestrel over our pool beside Kestrel over its own: requests a second, and what is left of a burst of connections.</summary>
internal sealed class WebStudy : IStudy
{
    private const double LeastRatio = 0.97;
    private const int MostConnections = 9_500;    // both ends are this process's, which has 20,000 descriptors on most machines

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(5);

    public string Name => "web";

    public string Description => "Kestrel over UseVmemPool beside Kestrel over its own pool.";

    public StudyReport Run(StudyContext context)
    {
        StudyReport report = new(
            Name,
            "A pool under Kestrel",
            "Requests a second of 16 connections in the server's process; the servers take turns, the median of all turns counts.");
        int runs = context.Settings.Runs ?? 9;
        ServerSubject[] servers =
        [
            ServerSubject.Start("stock", static _ => { }),
            ServerSubject.Start("Vmem", static host => host.UseVmemPool(static options => options.TrimInterval = s_interval)),
        ];
        foreach (string path in (string[])["/hello", "/long"])
        {
            double[][] turns = Rounds.InTurns(servers, runs, server => server.Measure(path, context.Settings.Seconds));
            double[] medians = [.. turns.Select(Rounds.Median)];
            report.Add(new ReportTable($"{path}: requests a second, median of {runs}", ["pool", "requests/s"],
                [.. servers.Select((server, i) => (IReadOnlyList<string>)[server.Name, Cells.Count((long)medians[i])])]));
            report.Add(new Bar($"{path}: Vmem against stock", "0.97×", LeastRatio, medians[1] / medians[0], "×", AtLeast: true));
            context.Progress($"{path}: stock {medians[0]:N0}, Vmem {medians[1]:N0} requests a second");
        }

        report.Add(new ReportTable("Resident memory of a burst, MiB", ["pool", "connections", "before", "with them", "three intervals later"],
            [.. servers.Select(server => BurstAsync(context, server).GetAwaiter().GetResult())]));
        Array.ForEach(servers, static server => server.DisposeAsync().AsTask().GetAwaiter().GetResult());
        return report;
    }

    private static async Task<IReadOnlyList<string>> BurstAsync(StudyContext context, ServerSubject server)
    {
        long before = ResidentMemory.Measure();
        List<Socket> sockets = await server.ConnectAsync(MostConnections);
        await Task.Delay(s_interval);
        long with = ResidentMemory.Measure();
        sockets.ForEach(static socket => socket.Dispose());
        await Task.Delay(3 * s_interval);
        long after = ResidentMemory.Measure();
        context.Progress($"{server.Name}: {sockets.Count} connections, {before >> 20} → {with >> 20} → {after >> 20} MiB");
        return [server.Name, Cells.Count(sockets.Count), Cells.Count(before >> 20), Cells.Count(with >> 20), Cells.Count(after >> 20)];
    }
}
