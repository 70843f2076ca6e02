using System.Text.Json;
using System.Text.Json.Serialization;
using Vmem.Leasing;

namespace Vmem.Tool.Leases;

// What --json writes. Values are texts, as they may have 128 bits; times are UTC.
internal sealed record ArenaDocument(string Name, string Type, string Start, string Size, string Quantum, string Quarantine, string Free,
    string Leased, string Lapsed, string Quarantined, string LargestFree, DateTimeOffset? RoomAt, DateTimeOffset? HoldUntil);

internal sealed record ExtentDocument(string Start, string Size, string State, Guid? Session, string Owner, long Fence,
    DateTimeOffset Since, long? Watermark);

internal sealed record SessionDocument(Guid Session, string Owner, string State, string Ttl, DateTimeOffset ExpiresAt, long Beat,
    long Held);

internal sealed record AuditDocument(long Number, DateTimeOffset At, string Event, string? Start, string? Size, Guid? Session, string Owner,
    long Fence, string Detail);

/// <summary>One who had a value.</summary>
internal sealed record TenureDocument(Guid Session, string Owner, string Start, string Size, long Fence, DateTimeOffset From,
    DateTimeOffset? Until, string End);

internal sealed record FaultDocument(string Arena, string Fault);

internal sealed record FindingDocument(string Check, bool IsGood, string Text);

/// <summary>The documents as JSON, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, NewLine = "\n")]
[JsonSerializable(typeof(IReadOnlyList<ArenaDocument>))]
[JsonSerializable(typeof(IReadOnlyList<ExtentDocument>))]
[JsonSerializable(typeof(IReadOnlyList<SessionDocument>))]
[JsonSerializable(typeof(IReadOnlyList<AuditDocument>))]
[JsonSerializable(typeof(IReadOnlyList<TenureDocument>))]
[JsonSerializable(typeof(IReadOnlyList<FaultDocument>))]
[JsonSerializable(typeof(IReadOnlyList<FindingDocument>))]
internal sealed partial class LeaseJson : JsonSerializerContext
{
    public static string Write<TDocument>(IReadOnlyList<TDocument> documents) =>
        JsonSerializer.Serialize(documents, typeof(IReadOnlyList<TDocument>), Default) + "\n";
}
