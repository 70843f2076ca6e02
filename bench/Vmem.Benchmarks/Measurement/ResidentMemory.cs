using System.Globalization;

namespace Vmem.Benchmarks.Measurement;

/// <summary>How much of this process the system has in memory.</summary>
internal static class ResidentMemory
{
    private const string Rollup = "/proc/self/smaps_rollup";

    /// <summary>In bytes. On Linux counted from the page tables: the figure that the kernel keeps lags behind by some pages of each
    /// thread.</summary>
    public static long Measure()
    {
        if (File.Exists(Rollup))
        {
            foreach (string line in File.ReadLines(Rollup))
            {
                if (line.StartsWith("Rss:", StringComparison.Ordinal))
                {
                    return 1024 * long.Parse(line.AsSpan(4).Trim(" kB"), CultureInfo.InvariantCulture);
                }
            }
        }

        return Environment.WorkingSet;
    }
}
