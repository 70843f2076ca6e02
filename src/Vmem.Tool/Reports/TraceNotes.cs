namespace Vmem.Tool.Reports;

/// <summary>What the reader must know of a recording to judge its figures: what it left open and how that was settled.</summary>
internal static class TraceNotes
{
    public static IEnumerable<string> Write(TraceReport trace)
    {
        if (trace.UnknownFrees > 0)
        {
            yield return $"{Units.Count(trace.UnknownFrees)} frees of objects that the recording never saw allocated were left out.";
        }

        if (trace.ImpliedFrees > 0)
        {
            yield return $"{Units.Count(trace.ImpliedFrees)} frees are missing in the recording (the address was handed out again) and were supplied.";
        }
    }
}
