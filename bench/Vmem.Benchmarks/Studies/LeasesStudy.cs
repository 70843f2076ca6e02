using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;
using Vmem.Leasing;

namespace Vmem.Benchmarks.Studies;

/// <summary>What a lease costs, beside the cheapest thing that the same engine can do and that survives: counting up a row.</summary>
internal sealed class LeasesStudy : IStudy
{
    private const int Together = 64;
    private const int Clients = 8;
    private const int Extents = 200_000;
    private const int Recovered = 1_000_000;

    /// <summary>Seconds, so that each of the processes makes the thousand calls after which its code is compiled for good.</summary>
    private const double ProcessRehearsal = 10;

    public string Name => "leases";

    public string Description => "Grants of the lease stores beside UPDATE counter, IDs through leased spans, the look at the deadline, and journals.";

    public StudyReport Run(StudyContext context)
    {
        var report = new StudyReport(
            Name,
            "Leases",
            "Grants of one value, one after the other, and by as many clients as are named at once. The counter is `UPDATE counter` in a transaction of its own, in the same engine with the same settings. The subjects take turns, the median of all turns counts.");
        int runs = context.Settings.Runs ?? 5;
        using (var file = new LeaseFileSubject())
        {
            Rates(report, context, runs, "SQLite, synchronous=FULL", file, Together);
            report.Add(new Bar($"grants a second of {Together} together in a file", "30,000/s", 30_000,
                Rounds.Median(Rounds.Alone(runs, () => file.GrantsAsync(Together, context.Settings.Seconds).GetAwaiter().GetResult())),
                "/s", AtLeast: true));
            using LeaseFileSubject full = new();
            Growth(report, context, runs, "SQLite", file, full);
            Ids(report, context, runs, "SQLite", file.Store);
        }

        // If it is not set, only the file is measured.
        if (Environment.GetEnvironmentVariable(LeaseProcesses.ServerVariable) is { } server)
        {
            using var database = new LeaseServerSubject(server);
            database.MakeCounter();
            Rates(report, context, runs, "PostgreSQL", database, Clients);
            Processes(report, context, runs);
            using LeaseServerSubject full = new(server);
            Growth(report, context, runs, "PostgreSQL", database, full);
            Ids(report, context, runs, "PostgreSQL", database.Store);
        }

        Deadline(report, context, runs);
        Journals(report, context, runs);
        return report;
    }

    private static void Rates(StudyReport report, StudyContext context, int runs, string engine, LeaseSubject subject, int clients)
    {
        Func<Task<double>>[] subjects =
        [
            () => subject.CountsAsync(1, context.Settings.Seconds), () => subject.GrantsAsync(1, context.Settings.Seconds),
            () => subject.CountsAsync(clients, context.Settings.Seconds), () => subject.GrantsAsync(clients, context.Settings.Seconds),
        ];
        double[] rates = [.. Rounds.InTurns(subjects, runs, one => one().GetAwaiter().GetResult()).Select(Rounds.Median)];
        report.Add(new ReportTable($"{engine}: a second, median of {runs}", ["clients", "UPDATE counter", "grant", "grant : counter"],
            [
                ["1", Cells.Fixed(rates[0], 0), Cells.Fixed(rates[1], 0), Cells.Fixed(rates[1] / rates[0], 2)],
                [Cells.Count(clients), Cells.Fixed(rates[2], 0), Cells.Fixed(rates[3], 0), Cells.Fixed(rates[3] / rates[2], 2)],
            ]));
        report.Add(new Bar($"{engine}: the time of a grant against that of the counter, one client", "1.3×", 1.3,
            rates[0] / rates[1], "×"));
        report.Add(new Bar($"{engine}: grants against counts, {clients} clients", "1.2×", 1.2, rates[3] / rates[2], "×", AtLeast: true));
        context.Progress($"{engine}: counter {Cells.Fixed(rates[0], 0)} and {Cells.Fixed(rates[2], 0)}, "
            + $"grant {Cells.Fixed(rates[1], 0)} and {Cells.Fixed(rates[3], 0)} a second");
    }

    private static void Processes(StudyReport report, StudyContext context, int runs)
    {
        using LeaseProcesses processes = new(Clients);
        double seconds = context.Settings.Seconds;
        _ = processes.RunCounts(ProcessRehearsal);
        _ = processes.RunGrants(ProcessRehearsal);
        Func<double>[] subjects = [() => processes.RunCounts(seconds), () => processes.RunGrants(seconds)];
        double[] rates = [.. Rounds.InTurns(subjects, runs, static one => one()).Select(Rounds.Median)];
        string engine = $"PostgreSQL, {Clients} processes with a store each";
        report.Add(new Bar($"{engine}: grants against counts", "1.2×", 1.2, rates[1] / rates[0], "×", AtLeast: true));
        context.Progress($"{engine}: counter {Cells.Fixed(rates[0], 0)}, grant {Cells.Fixed(rates[1], 0)} a second");
    }

    private static void Growth(StudyReport report, StudyContext context, int runs, string engine, LeaseSubject small, LeaseSubject full)
    {
        full.FillAsync(Extents).GetAwaiter().GetResult();
        double[][] turns = Rounds.InTurns((LeaseSubject[])[small, full], runs,
            one => one.GrantsAsync(1, context.Settings.Seconds).GetAwaiter().GetResult());
        double[] rates = [.. turns.Select(Rounds.Median)];
        report.Add(new Bar($"{engine}: the time of a grant beside {Extents:N0} extents against one in a small arena", "2×", 2,
            rates[0] / rates[1], "×"));
        context.Progress($"{engine}, {Extents} extents: {Cells.Fixed(rates[1], 0)} a second");

        small.FillAsync(0).GetAwaiter().GetResult();
        full.FillAsync(Extents, distance: 2).GetAwaiter().GetResult();
        rates = [.. Rounds.InTurns((LeaseSubject[])[small, full], runs,
            one => one.PlacesAsync(context.Settings.Seconds).GetAwaiter().GetResult()).Select(Rounds.Median)];
        report.Add(new Bar($"{engine}: the time of a grant at a place beside {Extents:N0} leases with holes between them against one in a small arena",
            "2×", 2, rates[0] / rates[1], "×"));
        context.Progress($"{engine}, {Extents} leases with holes, at a place: {Cells.Fixed(rates[1], 0)} a second");
    }

    private static void Ids(StudyReport report, StudyContext context, int runs, string engine, LeaseStore store)
    {
        var rows = new List<IReadOnlyList<string>>();
        foreach (ulong span in (ulong[])[1_024, 65_536])
        {
            using var leased = new LeasedIds(store, span);
            using var plain = new PlainIds();
            double[][] turns = Rounds.InTurns((Ids[])[leased, plain], runs,
                one => one.RunAsync(context.Settings.Seconds).GetAwaiter().GetResult());
            double[] rates = [.. turns.Select(Rounds.Median)];
            string ratio = Cells.Fixed(rates[0] / rates[1], 2);
            rows.Add([Cells.Count((long)span), Cells.Fixed(rates[0], 0), Cells.Fixed(rates[1], 0), ratio, Cells.Count(leased.Waits)]);
            context.Progress($"{engine}: IDs by spans of {span}: {Cells.Fixed(rates[0], 0)} a second, "
                + $"{Cells.Fixed(rates[1], 0)} without leases; {leased.Waits} waits");
            report.Add(span == 1_024
                ? new Bar($"{engine}: IDs a second by spans of 1,024", "400,000/s", 400_000, rates[0], "/s", AtLeast: true)
                : new Bar($"{engine}: IDs a second by spans of 65,536 against an arena without leases", "0.75×", 0.75, rates[0] / rates[1], "×",
                    AtLeast: true));
        }

        report.Add(new ReportTable($"{engine}: AllocateAsync of one ID, no frees, a second; median of {runs}",
            ["span", "leased", "Arena", "leased : Arena", "waits"], rows));
    }

    private static void Journals(StudyReport report, StudyContext context, int runs)
    {
        using var plain = new LeasedPairs(isNoted: false);
        using var noted = new LeasedPairs(isNoted: true);
        double[][] turns = Rounds.InTurns((LeasedPairs[])[plain, noted], runs, one => one.Pair(context.Settings.Seconds));
        double[] pairs = [.. turns.Select(Rounds.Median)];
        report.Add(new Bar("an allocation and a free with a journal against those without", "1.3×", 1.3, pairs[1] / pairs[0], "×"));
        context.Progress($"a pair: {Cells.Fixed(pairs[0], 1)} ns, with a journal {Cells.Fixed(pairs[1], 1)} ns");
        (double seconds, int found) = noted.Recover(Recovered);
        report.Add(new Bar($"recovery of {found:N0} ranges", "1 s", 1, seconds, "s"));
        context.Progress($"recovery of {found:N0} ranges: {Cells.Fixed(seconds, 2)} s");
    }

    private static void Deadline(StudyReport report, StudyContext context, int runs)
    {
        using var store = new HeldSession();
        Func<double>[] subjects = [store.Look, HeldSession.ReadClock];
        double[] nanoseconds = [.. Rounds.InTurns(subjects, runs, static one => one()).Select(Rounds.Median)];
        report.Add(new Bar("a look at the deadline", "35 ns", 35, nanoseconds[0], "ns"));
        context.Progress($"a look at the deadline: {Cells.Fixed(nanoseconds[0], 1)} ns; a read of the clock {Cells.Fixed(nanoseconds[1], 1)} ns");
    }
}
