using System.Globalization;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Processes;

/// <summary>What <c>vmem top</c> can sort by.</summary>
internal enum TopOrder
{
    InUse,
    Size,
    Free,
    Fragmentation,
    Rate,
    Failures,
    Waiting,
    Name,
}

/// <summary>The columns of <c>vmem top</c>: figures that one thing has and another has not are left out.</summary>
internal static class TopColumns
{
    private const string Bars = "▁▂▃▄▅▆▇█";

    /// <summary>From here on an amount of units is written with an exponent: 128 bits have 39 digits.</summary>
    private const double MostPlain = 1e10;

    /// <summary>The title of the column with sparklines.</summary>
    public const string Trend = "trend of use";

    /// <summary>A column, its rank, and what it says. In a narrow terminal those of the highest ranks are left out.</summary>
    public static readonly (string Title, int Rank, Func<MeasuredThing, string> Show)[] All =
    [
        ("in use", 0, static thing => Amount(thing, thing.InUse)),
        ("size", 3, static thing => Amount(thing, SizeOf(thing))),
        ("free", 7, static thing => Amount(thing, thing.Value("free"))),
        ("largest free", 8, static thing => Amount(thing, thing.Value("largest_free"))),
        ("fragm.", 2, static thing => thing.Value("fragmentation") is { } share ? Units.Percent(share) : ""),
        ("segments", 9, static thing => Count(thing.Value("segments") ?? thing.Value("live_blocks") ?? thing.Value("blocks"))),
        ("ops/s", 1, static thing => Rate(thing.OperationsPerSecond)),
        ("fail", 5, static thing => Count(thing.Value("failures"))),
        ("wait", 6, static thing => Count(thing.Value("waiting"))),
        (Trend, 4, static thing => Sparkline(thing.History)),
    ];

    public static IEnumerable<MeasuredThing> Sort(IEnumerable<MeasuredThing> things, TopOrder order) =>
        (order switch
        {
            TopOrder.InUse => things.OrderByDescending(static thing => thing.InUse),
            TopOrder.Size => things.OrderByDescending(static thing => SizeOf(thing)),
            TopOrder.Free => things.OrderByDescending(static thing => thing.Value("free")),
            TopOrder.Fragmentation => things.OrderByDescending(static thing => thing.Value("fragmentation")),
            TopOrder.Rate => things.OrderByDescending(static thing => thing.OperationsPerSecond),
            TopOrder.Failures => things.OrderByDescending(static thing => thing.Value("failures")),
            TopOrder.Waiting => things.OrderByDescending(static thing => thing.Value("waiting")),
            _ => things.OrderBy(static thing => thing.Title, StringComparer.Ordinal),
        })
        .ThenBy(static thing => thing.Kind, StringComparer.Ordinal).ThenBy(static thing => thing.Title, StringComparer.Ordinal);

    /// <summary>A bar for each value, between the least and the most of them; all low if they are the same.</summary>
    public static string Sparkline(IReadOnlyCollection<double> values)
    {
        if (values.Count == 0)
        {
            return "";
        }

        double least = values.Min();
        double range = values.Max() - least;
        return string.Concat(values.Select(value => Bars[range > 0 ? (int)Math.Round((value - least) / range * (Bars.Length - 1)) : 0]));
    }

    private static double? SizeOf(MeasuredThing thing) => thing.Value("size") ?? thing.Value("committed") ?? thing.Value("held");

    private static string Amount(MeasuredThing thing, double? amount)
    {
        bool isBytes = thing.Kind is "heap" or "context" or "client";
        return amount is not { } there ? ""
            : !isBytes && there >= MostPlain ? there.ToString("0.00e+0", CultureInfo.InvariantCulture)
            : Units.Amount(there, isBytes);
    }

    private static string Count(double? count) => count is { } there ? Units.Count((long)there) : "";

    private static string Rate(double perSecond) =>
        perSecond >= 1e4 ? Units.PerSecond(perSecond).Replace("/s", "", StringComparison.Ordinal) : Units.Count((long)perSecond);
}
