namespace Vmem.Tool.Processes;

/// <summary>An arena of another process, as a rundown describes it.</summary>
internal sealed record ArenaFigures(string Name, int Instance, string Type, string Policy, string Source, int SourceInstance,
    double Quantum, double Size, double InUse, double Free, double LargestFree, double Peak, long Segments, long Failures, int Waiting)
{
    /// <summary>The name, with its number if it is not the first.</summary>
    public string Title => Instance == 1 ? Name : $"{Name}#{Instance}";

    public static ArenaFigures Read(ref PayloadReader payload) => new(payload.Text(), payload.Int32(), payload.Text(), payload.Text(),
        payload.Text(), payload.Int32(), payload.Double(), payload.Double(), payload.Double(), payload.Double(), payload.Double(),
        payload.Double(), payload.Int64(), payload.Int64(), payload.Int32());
}
