using System.Globalization;
using Spectre.Console;
using Vmem.Tool.Files;

namespace Vmem.Tool.Leases;

/// <summary>What a command found, as a table for people and as JSON.</summary>
internal sealed class LeaseText
{
    private readonly string[] _columns;
    private readonly IReadOnlyList<string[]> _rows;
    private readonly string _none;

    private LeaseText(string json, string none, string[] columns, IEnumerable<string[]> rows, bool isGood = true) =>
        (Json, _none, _columns, _rows, IsGood) = (json, none, columns, [.. rows], isGood);

    public string Json { get; }

    /// <summary>Whether all is in order.</summary>
    public bool IsGood { get; }

    public static LeaseText Of(IReadOnlyList<ArenaDocument> arenas) => new(LeaseJson.Write(arenas), "no arenas",
        ["arena", "type", "start", "size", "free", "leased", "lapsed", "quarantined", "largest free", "room at"],
        arenas.Select(static arena => (string[])[arena.Name, arena.Type, arena.Start, arena.Size, arena.Free, arena.Leased, arena.Lapsed,
            arena.Quarantined, arena.LargestFree, arena.HoldUntil is { } hold ? $"hold until {Time(hold)}" : Time(arena.RoomAt)]));

    public static LeaseText Of(IReadOnlyList<ExtentDocument> extents) => new(LeaseJson.Write(extents), "nothing",
        ["start", "size", "state", "owner", "fence", "since", "watermark"],
        extents.Select(static extent => (string[])[extent.Start, extent.Size, extent.State.ToLowerInvariant(), extent.Owner,
            Number(extent.Fence), Time(extent.Since), extent.Watermark is { } watermark ? Number(watermark) : ""]));

    public static LeaseText Of(IReadOnlyList<SessionDocument> sessions) => new(LeaseJson.Write(sessions), "no sessions",
        ["session", "owner", "state", "TTL", "expires", "renewals", "leases"],
        sessions.Select(static session => (string[])[session.Session.ToString(), session.Owner, session.State.ToLowerInvariant(),
            session.Ttl, Time(session.ExpiresAt), Number(session.Beat), Number(session.Held)]));

    public static LeaseText Of(IReadOnlyList<AuditDocument> entries) => new(LeaseJson.Write(entries), "nothing happened",
        ["entry", "at", "event", "start", "size", "owner", "fence", "detail"],
        entries.Select(static entry => (string[])[Number(entry.Number), Time(entry.At), entry.Event.ToLowerInvariant(), entry.Start ?? "",
            entry.Size ?? "", entry.Owner, entry.Fence == 0 ? "" : Number(entry.Fence), entry.Detail]));

    public static LeaseText Of(IReadOnlyList<TenureDocument> tenures) => new(LeaseJson.Write(tenures),
        "nobody has had it, as far as the audit goes back",
        ["owner", "fence", "from", "until", "start", "size", "end"],
        tenures.Select(static tenure => (string[])[tenure.Owner, Number(tenure.Fence), Time(tenure.From), Time(tenure.Until), tenure.Start,
            tenure.Size, tenure.End]));

    public static LeaseText Of(IReadOnlyList<FaultDocument> faults, bool isGood) => new(LeaseJson.Write(faults), "every invariant holds",
        ["arena", "fault"], faults.Select(static fault => (string[])[fault.Arena, fault.Fault]), isGood);

    public static LeaseText Of(IReadOnlyList<FindingDocument> findings, bool isGood) => new(LeaseJson.Write(findings),
        "nothing was examined",
        ["", "check", "finding"],
        findings.Select(static finding => (string[])[finding.IsGood ? "good" : "WARNING", finding.Check, finding.Text]), isGood);

    public void WriteTable(IAnsiConsole console)
    {
        if (_rows.Count == 0)
        {
            console.WriteLine(_none);
            return;
        }

        Table table = new() { Border = TableBorder.Rounded };
        foreach (string column in _columns)
        {
            table.AddColumn(new TableColumn(Markup.Escape(column)));
        }

        foreach (string[] row in _rows)
        {
            table.AddRow([.. row.Select(static cell => Markup.Escape(PlainText.Of(cell)))]);
        }

        console.Write(table);
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Time(DateTimeOffset? time) =>
        time?.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture) ?? "";
}
