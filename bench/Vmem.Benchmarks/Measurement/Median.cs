namespace Vmem.Benchmarks.Measurement;

/// <summary>
/// The median of a few runs: on a shared machine the mean belongs to the worst disturbance and the minimum to the luckiest cache, the
/// median to the program.
/// </summary>
internal static class Median
{
    public static double Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        if (sorted.Length == 0)
        {
            return double.NaN;
        }
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    public static double Of<TRun>(IEnumerable<TRun> runs, Func<TRun, double> metric) => Of(runs.Select(metric));
}
