using System.Text.Json.Serialization;

namespace Vmem.Tool.Reports;

/// <summary>The context that all recordings' clients shared, and what became of it as they were deleted.</summary>
internal sealed record ContextReport
{
    public required ulong SizeBytes { get; init; }

    public required ulong BlockSizeBytes { get; init; }

    /// <summary>The most that all clients held at once.</summary>
    public required ulong PeakHeldBytes { get; init; }

    public required long BookkeepingBytes { get; init; }

    /// <summary>Allocations that found no room in it.</summary>
    public required long Failures { get; init; }

    /// <summary>In the order of their deletion.</summary>
    public required IReadOnlyList<ClientReport> Clients { get; init; }

    /// <summary>Whether the context was in the end as it had been in the beginning.</summary>
    [JsonIgnore]
    public bool IsWhole => Clients[^1] is { HeldByOthersBytes: 0 } last && last.LargestFreeBytes == SizeBytes;

    public string Describe()
    {
        string use = Clients.Count == 1
            ? $"The client's context: {Units.Bytes(SizeBytes)}, of which it held at most {Units.Bytes(PeakHeldBytes)}."
            : $"One context of {Units.Bytes(SizeBytes)} for {Clients.Count} clients, their recordings side by side: together they held at most {Units.Bytes(PeakHeldBytes)}.";
        return Failures == 0 ? use : $"{use} That was too little ({Units.Count(Failures)} failures); --limit sets its size.";
    }

    public string DescribeEnd() => IsWhole
        ? "With the last client deleted all of the context is free, in one piece."
        : $"With the last client deleted {Units.Bytes(Clients[^1].HeldByOthersBytes)} of the context are in use, and the largest free piece has {Units.Bytes(Clients[^1].LargestFreeBytes)}.";
}

/// <summary>A client when its recording had ended, and the context when it was deleted.</summary>
internal sealed record ClientReport
{
    /// <summary>The recording's name.</summary>
    public required string Name { get; init; }

    public required ulong HeldBytes { get; init; }

    public required ulong InUseBytes { get; init; }

    public required long LiveBlocks { get; init; }

    public required long Regions { get; init; }

    public required double DeletionMicroseconds { get; init; }

    /// <summary>What the clients that remained held then.</summary>
    public required ulong HeldByOthersBytes { get; init; }

    /// <summary>The largest piece of the context that nobody held then.</summary>
    public required ulong LargestFreeBytes { get; init; }
}
