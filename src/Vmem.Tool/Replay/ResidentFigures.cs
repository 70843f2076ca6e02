using System.Globalization;

namespace Vmem.Tool.Replay;

/// <summary>What a process found that did nothing but replay a recording through one allocator. Written and read as words on one
/// line.</summary>
/// <param name="PeakBytes">The most by which the process was larger than before the first event.</param>
/// <param name="MeanNanoseconds">Processor time of an allocation or free, first touches and the replay's own loop included.</param>
internal sealed record ResidentFigures(ulong PeakBytes, double MeanNanoseconds)
{
    public static bool TryParse(string line, out ResidentFigures? figures)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        figures = words.Length == 2
            && ulong.TryParse(words[0], CultureInfo.InvariantCulture, out ulong peak)
            && double.TryParse(words[1], CultureInfo.InvariantCulture, out double mean)
            ? new ResidentFigures(peak, mean)
            : null;
        return figures is not null;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{PeakBytes} {MeanNanoseconds:R}");
}
