using System.Globalization;
using System.Text;

namespace Vmem.Tool.Replay;

/// <summary>What a process found that did nothing but replay a recording through one allocator. Written and read as words on one
/// line.</summary>
/// <param name="PeakBytes">The most by which the process was larger than before the first event.</param>
/// <param name="MeanNanoseconds">Processor time of an allocation or free, first touches and the replay's own loop included.</param>
internal sealed record ResidentFigures(ulong PeakBytes, double MeanNanoseconds)
{
    /// <summary>By how much the process was larger, and after how many events, in their order.</summary>
    public IReadOnlyList<ResidentSample> Samples { get; init; } = [];

    public static bool TryParse(string line, out ResidentFigures? figures)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        figures = null;
        if (words.Length < 2
            || !ulong.TryParse(words[0], CultureInfo.InvariantCulture, out ulong peak)
            || !double.TryParse(words[1], CultureInfo.InvariantCulture, out double mean))
        {
            return false;
        }

        var samples = new ResidentSample[words.Length - 2];
        for (int i = 0; i < samples.Length; i++)
        {
            if (!ResidentSample.TryParse(words[i + 2], out samples[i]))
            {
                return false;
            }
        }

        figures = new ResidentFigures(peak, mean) { Samples = samples.Length == 0 ? [] : samples };
        return true;
    }

    public override string ToString()
    {
        var line = new StringBuilder();
        _ = line.Append(CultureInfo.InvariantCulture, $"{PeakBytes} {MeanNanoseconds:R}");
        foreach (ResidentSample sample in Samples)
        {
            _ = line.Append(CultureInfo.InvariantCulture, $" {sample.Events}:{sample.Bytes}");
        }

        return line.ToString();
    }
}

/// <summary>A process was larger by <paramref name="Bytes"/> after so many events.</summary>
internal readonly record struct ResidentSample(long Events, ulong Bytes)
{
    public static bool TryParse(string word, out ResidentSample sample)
    {
        int colon = word.IndexOf(':', StringComparison.Ordinal);
        sample = default;
        if (colon < 0
            || !long.TryParse(word.AsSpan(0, colon), CultureInfo.InvariantCulture, out long events)
            || !ulong.TryParse(word.AsSpan(colon + 1), CultureInfo.InvariantCulture, out ulong bytes))
        {
            return false;
        }

        sample = new ResidentSample(events, bytes);
        return true;
    }
}
