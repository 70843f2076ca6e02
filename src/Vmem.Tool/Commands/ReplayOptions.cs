using Vmem.Tool.Blocks;
using Vmem.Tool.Replay;

namespace Vmem.Tool.Commands;

/// <summary>What the user asked <c>vmem replay</c> for.</summary>
internal sealed record ReplayOptions
{
    public required IReadOnlyList<string> Traces { get; init; }

    /// <summary>What the recordings are replayed through.</summary>
    public required TargetFactory Targets { get; init; }

    /// <summary>Whether the user named policies, instead of leaving it at all of them.</summary>
    public bool NamesPolicies { get; init; }

    /// <summary>Whether the user left it open what the recordings are replayed through: then that may be less than asked for.</summary>
    public bool IsUsual { get; init; }

    /// <summary>Whether a folder was named: then its recordings are summed up in one table.</summary>
    public bool IsFolder { get; init; }

    /// <summary>Whether the user named a quantum: else a recording's own counts.</summary>
    public bool NamesQuantum { get; init; }

    /// <summary>Whether the recordings are replayed side by side, for they share a context.</summary>
    public bool AreInterleaved => Traces.Count > 1 && Targets.Uses(AllocatorKind.Client);

    /// <summary>Whether JSON takes the table's place on standard output.</summary>
    public bool JsonToOutput { get; init; }

    public string? JsonFile { get; init; }

    public string? ReportFile { get; init; }

    public string? SnapshotFile { get; init; }

    /// <summary>When the snapshot is taken.</summary>
    public SnapshotMoment SnapshotAt { get; init; }

    public string? MapFile { get; init; }

    /// <summary>Whether the second table is wanted.</summary>
    public bool ShowDetails { get; init; }

    public bool ShowProgress { get; init; }

    public IEnumerable<string> OutputPaths => new[] { JsonFile, ReportFile, SnapshotFile, MapFile }.OfType<string>();
}

/// <summary>When the snapshot of a replayed arena is taken.</summary>
internal enum SnapshotMoment
{
    /// <summary>After the last event.</summary>
    End,

    /// <summary>When the program had most asked for.</summary>
    Peak,
}
