using System.Diagnostics;
using System.Globalization;
using Vmem.Benchmarks.Measurement;

namespace Vmem.Benchmarks.Studies;

/// <summary>Processes that lease from one arena of a server, one value after the other, each through a store and a session of its own. What
/// a store does for its own clients does nothing for those of others.</summary>
internal sealed class LeaseProcesses : IDisposable
{
    public const string Verb = "lease-client";

    /// <summary>A connection string of a PostgreSQL database that may be filled. Processes inherit it.</summary>
    public const string ServerVariable = "VMEM_POSTGRES";

    private const string Grants = "grants";
    private const string Counts = "counts";

    private readonly Process[] _processes;

    public LeaseProcesses(int count)
    {
        string arena = $"ids {Guid.NewGuid()}";
        _processes = [.. Enumerable.Range(0, count).Select(_ => ChildProcess.Start(Verb, arena))];
        _ = ReadAll();
    }

    /// <summary>How many grants all of them get a second.</summary>
    public double RunGrants(double seconds) => Run(Grants, seconds);

    /// <summary>How often all of them count up one row a second.</summary>
    public double RunCounts(double seconds) => Run(Counts, seconds);

    public void Dispose()
    {
        foreach (Process process in _processes)
        {
            process.StandardInput.Close();
            process.WaitForExit();
            process.Dispose();
        }
    }

    /// <summary>What a child does: says that it is ready, and then does as it is told, line by line.</summary>
    public static int RunChild(string arena)
    {
        using LeaseServerSubject subject = new(Environment.GetEnvironmentVariable(ServerVariable)!);
        subject.OpenAsync(arena).GetAwaiter().GetResult();
        Console.Out.WriteLine(0);
        while (Console.In.ReadLine() is { } line)
        {
            string[] words = line.Split(' ');
            double seconds = double.Parse(words[1], CultureInfo.InvariantCulture);
            Task<double> rate = words[0] == Grants ? subject.GrantsAsync(1, seconds) : subject.CountsAsync(1, seconds);
            Console.Out.WriteLine(rate.GetAwaiter().GetResult().ToString("R", CultureInfo.InvariantCulture));
        }

        return 0;
    }

    private double Run(string what, double seconds)
    {
        string line = string.Create(CultureInfo.InvariantCulture, $"{what} {seconds:R}");
        foreach (Process process in _processes)
        {
            process.StandardInput.WriteLine(line);
            process.StandardInput.Flush();
        }

        return ReadAll();
    }

    /// <summary>The sum of what they say.</summary>
    private double ReadAll() => _processes.Sum(static process => double.Parse(
        process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("A client process of the lease study has ended."),
        CultureInfo.InvariantCulture));
}
