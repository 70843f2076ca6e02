namespace Vmem.Tool.Reports;

/// <summary>What the reader must know of a recording to judge its figures: what it left open and how that was settled.</summary>
internal static class TraceNotes
{
    private static readonly string[] s_endings = [".gz", ".zst", ".raw", ".heaptrack", ".mtrace", ".trace", ".txt", ".vmem"];

    /// <summary>
    /// The file's name without folders and without the endings that only say how it was recorded: "cc1plus.heaptrack.raw.gz" is cc1plus.
    /// </summary>
    public static string ShortName(TraceReport trace) => ShortName(trace.Name);

    /// <summary>The same, of a recording's path.</summary>
    public static string ShortName(string path)
    {
        string name = Path.GetFileName(path);
        while (s_endings.FirstOrDefault(ending => name.Length > ending.Length
            && name.EndsWith(ending, StringComparison.OrdinalIgnoreCase)) is string ending)
        {
            name = name[..^ending.Length];
        }

        return name;
    }

    public static IEnumerable<string> Write(TraceReport trace)
    {
        if (trace.CutOffAfterLine is { } line)
        {
            yield return $"The recording ends in the middle, after line {Units.Count(line)}: its program or its recorder was ended, or it still runs. All up to there is replayed.";
        }

        foreach (string leftOut in trace.LeftOut)
        {
            yield return leftOut;
        }

        if (trace.Policies.Any(policy => policy.IsMemory && policy.PeakResidentBytes is null))
        {
            yield return "Resident memory was not measured, the address range is what was in use or held at most: measuring takes Linux, and a file that can be read again.";
        }

        if (trace.RecordedQuantum is { } quantum)
        {
            yield return $"Sizes are rounded up to {quantum}, the quantum of the recorded arena.";
        }

        if (trace.MissingEvents > 0)
        {
            yield return $"Missing: events that the recording had no room for, as its stream was too slow ({Units.Count((long)Math.Min(trace.MissingEvents, long.MaxValue))}).";
        }

        if (trace.UnknownFrees > 0)
        {
            yield return $"Left out: frees of objects that the recording never saw allocated ({Units.Count(trace.UnknownFrees)}).";
        }

        if (trace.ImpliedFrees > 0)
        {
            yield return $"Supplied: frees that the recording missed, for their addresses were handed out again ({Units.Count(trace.ImpliedFrees)}).";
        }

        if (trace.GuessedFrees > 0)
        {
            yield return $"Sizes and order are exact, but an interpreted recording does not say which of several objects of one size and stack was freed: the youngest was taken ({Units.Count(trace.GuessedFrees)} of {Units.Count(trace.Frees)} frees). \"heaptrack --raw\" names each.";
        }
    }
}
