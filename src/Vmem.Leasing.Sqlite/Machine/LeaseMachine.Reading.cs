using Vmem.Leasing.Sqlite.Sql;

namespace Vmem.Leasing.Sqlite.Machine;

// What is only looked at.
internal sealed partial class LeaseMachine
{
    private const string EntriesOf = "SELECT seq, at, event, arena, start, size, session, fence, detail FROM audit WHERE";

    public LeaseStoreInfo Info(int version) => new("SQLite", version, _incarnation, new DateTimeOffset(Now, TimeSpan.Zero),
        _phase > 0 ? new DateTimeOffset(_holdUntil, TimeSpan.Zero) : null);

    public IReadOnlyList<LeaseClaim> HeldBy(Guid instance)
    {
        if (SessionOf(instance) is not { } session)
        {
            return [];
        }

        List<LeaseClaim> claims = [];
        using Rows rows = database.Query(
            $"SELECT {ExtentRow.Columns}, arena, request FROM extent WHERE session = ?1 AND state = 1 ORDER BY arena, start", session.Id);
        while (rows.Next())
        {
            var extent = ExtentRow.Read(rows);
            claims.Add(new LeaseClaim(rows.Number32(6), instance, extent.Start, extent.Size, extent.Fence, rows.Id(7)));
        }

        return claims;
    }

    /// <summary>The requests for which a session holds what it holds: an index has them.</summary>
    private List<Guid> RequestsOf(SessionRow session)
    {
        List<Guid> requests = [];
        using Rows rows = database.Query("SELECT request FROM extent WHERE session = ?1 AND state = 1", session.Id);
        while (rows.Next())
        {
            requests.Add(rows.Id(0));
        }

        return requests;
    }

    public LeaseUsage UsageOf(int id)
    {
        ArenaRow arena = ArenaOf(id);
        WriteRemainder();
        long now = Now;
        UInt128 free = 0, largest = 0, leased = 0, lapsed = 0, quarantined = 0;
        long roomAt = long.MaxValue;
        using Rows rows = database.Query(
            "SELECT e.size, e.state, e.since, s.state, s.expires, s.lapsed, s.quarantine, s.name IS NOT NULL FROM extent e LEFT JOIN session s ON s.id = e.session WHERE e.arena = ?1", id);
        while (rows.Next())
        {
            UInt128 size = rows.Wide(0);
            switch ((LeaseExtentState)rows.Number(1))
            {
                case LeaseExtentState.Free:
                    free += size;
                    largest = UInt128.Max(largest, size);
                    break;
                case LeaseExtentState.Quarantined:
                    quarantined += size;
                    roomAt = Math.Min(roomAt, rows.Number(2) + arena.Quarantine);
                    break;
                case LeaseExtentState.Leased
                    when rows.Number(7) != 0 || ((SessionStage)rows.Number(3) == SessionStage.Live && rows.Number(4) >= now):
                    leased += size;
                    break;
                default:
                    lapsed += size;
                    roomAt = Math.Min(roomAt, (SessionStage)rows.Number(3) switch
                    {
                        SessionStage.Live => now + rows.Number(6),             // its lapse is yet to be stamped
                        SessionStage.Lapsed => rows.Number(5) + rows.Number(6),
                        _ => now,
                    });
                    break;
            }
        }

        return new LeaseUsage(free, largest, leased, lapsed, quarantined,
            roomAt == long.MaxValue ? null : new DateTimeOffset(roomAt, TimeSpan.Zero),
            _phase > 0 ? new DateTimeOffset(_holdUntil, TimeSpan.Zero) : null);
    }

    public IReadOnlyList<LeaseExtent> List(int id)
    {
        _ = ArenaOf(id);
        WriteRemainder();
        List<LeaseExtent> extents = [];
        using Rows rows = database.Query(
            "SELECT e.start, e.size, e.state, s.instance, coalesce(s.owner, ''), e.fence, e.since, e.watermark FROM extent e LEFT JOIN session s ON s.id = e.session WHERE e.arena = ?1 ORDER BY e.start", id);
        while (rows.Next())
        {
            extents.Add(new LeaseExtent(rows.Wide(0), rows.Wide(1), (LeaseExtentState)rows.Number(2), rows.IdOrEmpty(3), rows.Text(4),
                rows.Number(5), rows.Time(6), rows.NumberOrNull(7)));
        }

        return extents;
    }

    public IReadOnlyList<LeaseAuditEntry> AuditOf(int arena, long after, int limit) =>
        Entries($"{EntriesOf} seq > ?2 AND arena IN (0, ?1) ORDER BY seq LIMIT ?3", arena, after, limit);

    /// <summary>The newest entries, in order.</summary>
    public IReadOnlyList<LeaseAuditEntry> NewestAuditOf(int arena, int limit)
    {
        List<LeaseAuditEntry> entries = Entries($"{EntriesOf} arena IN (0, ?1) ORDER BY seq DESC LIMIT ?2", arena, limit);
        entries.Reverse();
        return entries;
    }

    /// <summary>The newest entries with a value in their range, in order. Each size that was ever leased is a range of the index.</summary>
    public IReadOnlyList<LeaseAuditEntry> HistoryOf(int arena, UInt128 value, int limit)
    {
        List<LeaseAuditEntry> entries = [];
        for (UInt128? size = NextSize(arena, 0); size is { } length; size = NextSize(arena, length))
        {
            UInt128 lowest = value >= length ? value - length + 1 : 0;
            entries.AddRange(Entries($"{EntriesOf} arena = ?1 AND size = ?2 AND start BETWEEN ?3 AND ?4 ORDER BY seq DESC LIMIT ?5",
                arena, length, lowest, value, limit));
        }

        entries.Sort(static (one, other) => one.Number.CompareTo(other.Number));
        return [.. entries.TakeLast(limit).Select(entry => entry with { Owner = OwnerOf(entry.Session) })];
    }

    private string OwnerOf(Guid session)
    {
        using Rows rows = database.Query("SELECT owner FROM session WHERE instance = ?1", session);
        return rows.Next() ? rows.Text(0) : "";
    }

    private UInt128? NextSize(int arena, UInt128 above)
    {
        using Rows rows = database.Query("SELECT size FROM audit WHERE arena = ?1 AND size > ?2 ORDER BY size LIMIT 1", arena, above);
        return rows.Next() ? rows.Wide(0) : null;
    }

    private List<LeaseAuditEntry> Entries(string sql, params ReadOnlySpan<Value> values)
    {
        List<LeaseAuditEntry> entries = [];
        using Rows rows = database.Query(sql, values);
        while (rows.Next())
        {
            entries.Add(new LeaseAuditEntry(rows.Number(0), rows.Time(1), (LeaseEvent)rows.Number(2), rows.Number32(3), rows.WideOrZero(4),
                rows.WideOrZero(5), rows.IdOrEmpty(6), rows.Number(7), rows.Text(8)));
        }

        return entries;
    }

    public IReadOnlyList<string> Validate(int id)
    {
        End();
        List<string> faults = [.. LeaseInvariants.Check(ArenaOf(id).Arena, List(id), AuditOf(id, 0, int.MaxValue))];
        if (database.Number("SELECT count(*) FROM extent WHERE arena = ?1 AND fence > (SELECT fence FROM arena WHERE id = ?1)", id) is > 0 and var ahead)
        {
            faults.Add($"{ahead} extents have a fence that was not given yet");
        }

        if (database.Number("SELECT count(*) FROM extent e LEFT JOIN session s ON s.id = e.session WHERE e.arena = ?1 AND e.state = 1 AND (s.id IS NULL OR s.state = 3)", id)
            is > 0 and var orphans)
        {
            faults.Add($"{orphans} leases have a holder that is unknown or gone");
        }

        return faults;
    }

    private List<(int Arena, ExtentRow Extent)> HeldBy(SessionRow session)
    {
        List<(int, ExtentRow)> held = [];
        using Rows rows = database.Query(
            $"SELECT {ExtentRow.Columns}, arena FROM extent WHERE session = ?1 AND state = 1 ORDER BY arena, start", session.Id);
        while (rows.Next())
        {
            held.Add((rows.Number32(6), ExtentRow.Read(rows)));
        }

        return held;
    }
}
