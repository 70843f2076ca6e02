using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Vmem.Benchmarks.Measurement;

/// <summary>What a figure depends on besides the program: which machine, and who else was on it. The load average counts this program too:
/// a study with one thread leaves it near 1.</summary>
internal sealed record Machine(DateTime Time, double? Load)
{
    // A processor taken by somebody else for half of the minute before; half is an arbitrary line.
    private const double BusyLoad = 0.5;

    public bool IsBusy => Load > BusyLoad;

    public static Machine Observe() => new(DateTime.UtcNow, ReadLoad());

    /// <summary>One line for a report. Busy is judged before the study, when the load is others'.</summary>
    public static string Describe(Machine before, Machine after) => string.Create(
        CultureInfo.InvariantCulture,
        $"Commit {Commit()}, {Processor()}, {Environment.ProcessorCount} processors, {RuntimeInformation.FrameworkDescription}, {before.Time:yyyy-MM-dd HH:mm} to {after.Time:HH:mm} UTC, load average {Show(before.Load)} before and {Show(after.Load)} after.{(before.IsBusy ? " **The machine was busy.**" : "")}");

    private static string Show(double? load) => load?.ToString("0.00", CultureInfo.InvariantCulture) ?? "unknown";

    // Of the last minute.
    private static double? ReadLoad() => File.Exists("/proc/loadavg")
        ? double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture)
        : null;

    private static string Processor()
    {
        const string Key = "model name";
        string? line = File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(one => one.StartsWith(Key, StringComparison.Ordinal))
            : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }

    // The compiler appends it to the version: 1.2.3+commit.
    private static string Commit()
    {
        string version = typeof(Arena<>).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
        int plus = version.IndexOf('+', StringComparison.Ordinal);
        return plus < 0 ? "unknown" : version[(plus + 1)..Math.Min(version.Length, plus + 11)];
    }
}
