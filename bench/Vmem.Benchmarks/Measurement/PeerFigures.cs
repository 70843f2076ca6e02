namespace Vmem.Benchmarks.Measurement;

/// <summary>
/// What the native implementations did on the workloads of these studies, in nanoseconds on the reference machine of
/// <see cref="Calibration"/> (C, called natively, one thread; medians of 5 runs, of 3 at 10^7). libumem's vmem frees by address under a
/// lock as the arena does; TLSF (rmind's) frees by handle without one.
/// </summary>
internal static class PeerFigures
{
    /// <summary>Allocate + free in the steady state, libumem's vmem with instant fit.</summary>
    public static double? UmemInstant(long segments) => At(segments, 56 + 66, 46 + 69, 63 + 183, 118 + 439, 252 + 862);

    /// <summary>The same with its best fit.</summary>
    public static double? UmemBest(long segments) => At(segments, 175 + 55, 297 + 85, 393 + 142, 773 + 348, 2209 + 718);

    /// <summary>TLSF by rmind.</summary>
    public static double? Tlsf(long segments) => At(segments, 36 + 33, 29 + 26, 25 + 48, 28 + 96, 39 + 126);

    /// <summary>The replacement loop itself, libumem's vmem with instant fit.</summary>
    public static double? UmemInstantMix(long segments) => At(segments, 130, 149, 482, 953, 1699);

    /// <summary>The replacement loop itself, its best fit.</summary>
    public static double? UmemBestMix(long segments) => At(segments, 226, 394, 815, 1462, 2717);

    /// <summary>The replacement loop itself, TLSF by rmind.</summary>
    public static double? TlsfMix(long segments) => At(segments, 88, 72, 133, 267, 390);

    private static double? At(
        long segments,
        double thousand,
        double tenThousand,
        double hundredThousand,
        double million,
        double tenMillion) =>
        segments switch
        {
            1_000 => thousand,
            10_000 => tenThousand,
            100_000 => hundredThousand,
            1_000_000 => million,
            10_000_000 => tenMillion,
            _ => null,
        };
}
