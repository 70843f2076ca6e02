namespace Vmem.Tool.Commands;

/// <summary>What the user asked <c>vmem replay</c> for.</summary>
internal sealed record ReplayOptions
{
    public required IReadOnlyList<string> Traces { get; init; }

    public required IReadOnlyList<FitPolicy> Policies { get; init; }

    public required ulong Quantum { get; init; }

    /// <summary>Null: a span that no recording fills.</summary>
    public ulong? Limit { get; init; }

    /// <summary>The largest size that quantum caches keep; 0: there are none.</summary>
    public ulong CacheMax { get; init; }

    /// <summary>Whether JSON takes the table's place on standard output.</summary>
    public bool JsonToOutput { get; init; }

    public string? JsonFile { get; init; }

    public string? ReportFile { get; init; }

    public string? SnapshotFile { get; init; }

    public bool ShowProgress { get; init; }

    public IEnumerable<string> OutputPaths => new[] { JsonFile, ReportFile, SnapshotFile }.OfType<string>();
}
