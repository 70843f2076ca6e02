namespace Vmem.Leasing.Memory;

// What is only looked at.
internal sealed partial class LeaseMachine
{
    public IReadOnlyList<LeaseClaim> HeldBy(Guid session) =>
        _sessions.TryGetValue(session, out MachineSession? known) ? [.. known.Held.Select(ClaimOf)] : [];

    public LeaseUsage UsageOf(int id, long now, Func<long, DateTimeOffset> timeOf)
    {
        MachineArena arena = ArenaOf(id);
        UInt128 free = 0, leased = 0, lapsed = 0, quarantined = 0;
        long roomAt = long.MaxValue;
        foreach (MachineExtent extent in arena.Extents)
        {
            switch (extent.State)
            {
                case LeaseExtentState.Free:
                    free += extent.Size;
                    break;
                case LeaseExtentState.Leased when IsSilent(extent.Session!, now):
                    lapsed += extent.Size;
                    roomAt = Math.Min(roomAt, EndOf(extent.Session!, now));
                    break;
                case LeaseExtentState.Leased:
                    leased += extent.Size;
                    break;
                default:
                    quarantined += extent.Size;
                    roomAt = Math.Min(roomAt, extent.Since + arena.Arena.Definition.Quarantine.Ticks);
                    break;
            }
        }

        return new LeaseUsage(free, arena.LargestFree, leased, lapsed, quarantined, roomAt == long.MaxValue ? null : timeOf(roomAt),
            Phase > 0 ? timeOf(HoldUntil) : null);
    }

    public IReadOnlyList<LeaseExtent> List(int id, Func<long, DateTimeOffset> timeOf) =>
        [.. ArenaOf(id).Extents.Select(extent => new LeaseExtent(extent.Start, extent.Size, extent.State,
            extent.Session?.Instance ?? default, extent.Session?.Owner ?? "", extent.Fence, timeOf(extent.Since), extent.Watermark))];

    public IReadOnlyList<LeaseArena> ListArenas() => [.. _arenas.Select(static arena => arena.Arena)];

    public IReadOnlyList<LeaseSessionInfo> ListSessions(Func<long, DateTimeOffset> timeOf) =>
        [.. _sessions.Values.Where(static session => session.Stage != SessionStage.Dead || session.Held.Count > 0).Select(session =>
            new LeaseSessionInfo(session.Instance, session.Owner, (LeaseSessionStage)session.Stage, TimeSpan.FromTicks(session.Ttl),
                timeOf(session.Expires), session.Beat, session.Held.Count))];

    public IReadOnlyList<LeaseAuditEntry> AuditOf(int arena, long after, int limit, Func<long, DateTimeOffset> timeOf)
    {
        List<LeaseAuditEntry> entries = [];
        for (int i = (int)Math.Clamp(after - _pruned, 0, _audit.Count); i < _audit.Count && entries.Count < limit; i++)
        {
            if (_audit[i].Arena == 0 || _audit[i].Arena == arena)
            {
                entries.Add(EntryAt(i, timeOf));
            }
        }

        return entries;
    }

    public IReadOnlyList<LeaseAuditEntry> HistoryOf(int arena, UInt128 value, int limit, Func<long, DateTimeOffset> timeOf)
    {
        List<LeaseAuditEntry> entries = [];
        for (int i = _audit.Count - 1; i >= 0 && entries.Count < limit; i--)
        {
            if (_audit[i].Arena == arena && EntryAt(i, timeOf) is { } entry && entry.Covers(value))
            {
                entries.Add(entry with { Owner = _sessions.GetValueOrDefault(entry.Session)?.Owner ?? "" });
            }
        }

        entries.Reverse();
        return entries;
    }

    private LeaseAuditEntry EntryAt(int place, Func<long, DateTimeOffset> timeOf)
    {
        MachineEntry entry = _audit[place];
        return new LeaseAuditEntry(_pruned + place + 1, timeOf(entry.At), entry.Event, entry.Arena, entry.Start, entry.Size, entry.Session,
            entry.Fence, entry.Detail);
    }

    private static bool IsSilent(MachineSession session, long now) => session.Stage != SessionStage.Live || session.Expires < now;

    private static long EndOf(MachineSession session, long now) => session.Stage switch
    {
        SessionStage.Live => now + session.Quarantine,             // its lapse is yet to be stamped
        SessionStage.Lapsed => session.Lapsed + session.Quarantine,
        _ => now,
    };

    private void Note(long now, LeaseEvent what, MachineExtent extent, Guid session = default, string detail = "") =>
        _audit.Add(new MachineEntry(now, what, extent.Arena.Arena.Id, extent.Start, extent.Size, session, extent.Fence, detail));

    private void Note(long now, LeaseEvent what, Guid session = default, string detail = "") =>
        _audit.Add(new MachineEntry(now, what, 0, 0, 0, session, 0, detail));
}
