using Vmem.Leasing.Sqlite.Processes;
using Vmem.Leasing.Sqlite.Sql;

namespace Vmem.Leasing.Sqlite.Machine;

// What time does, and the death of processes.
internal sealed partial class LeaseMachine
{
    /// <returns>How much became free.</returns>
    public UInt128 Sweep(int id)
    {
        ArenaRow arena = ArenaOf(id);
        long now = Now;
        if (!EndsHold(now))
        {
            return 0;
        }

        if (process is not null)
        {
            BuryProcesses(now);
        }

        foreach (SessionRow session in Sessions($"SELECT {SessionRow.Columns} FROM session WHERE state < 2 AND expires < ?1", now))
        {
            if (!session.IsNamed || MayBeDead(session))
            {
                Age(session, now);
            }
        }

        UInt128 freed = 0;
        foreach (SessionRow session in Sessions($"SELECT {SessionRow.Columns} FROM session WHERE state = 2 AND name IS NULL"))
        {
            freed += Reclaim(arena, session, now);
        }

        List<ExtentRow> over = [];
        using (Rows rows = database.Query(
            $"SELECT {ExtentRow.Columns} FROM extent WHERE arena = ?1 AND state = 2 AND since < ?2 ORDER BY since", id, now - arena.Quarantine))
        {
            while (rows.Next())
            {
                over.Add(ExtentRow.Read(rows));
            }
        }

        foreach (ExtentRow extent in over)
        {
            freed += Free(id, extent, now);
        }

        return freed;
    }

    /// <summary>The kernel says who is dead. They use nothing any more, so nothing has to wait. It says so only to a process whose own lock
    /// works: to another every lock looks free, those of the living, too.</summary>
    private void BuryProcesses(long now)
    {
        List<Guid> processes = [];
        using (Rows rows = database.Query("SELECT DISTINCT process FROM session WHERE state < 2 AND process IS NOT NULL AND process IS NOT ?1 AND name IS NULL", process))
        {
            while (rows.Next())
            {
                processes.Add(rows.Id(0));
            }
        }

        foreach (Guid other in processes.Where(other => LifeLock.IsDead(folder, other)))
        {
            foreach (SessionRow session in Sessions(
                $"SELECT {SessionRow.Columns} FROM session WHERE state < 2 AND process = ?1 AND name IS NULL", other))
            {
                SetStage(session, SessionStage.Dead);
                Note(now, LeaseEvent.Die, session: session.Instance, detail: "its process ended");
            }
        }
    }

    /// <summary>Whether time decides about a named session. Without a lock of its own this process cannot see who lives, and leaves that to
    /// those who can.</summary>
    private bool MayBeDead(SessionRow session) => session.Process is null || (process is not null && IsAlive(session) is null);

    /// <summary>Whether a session's process lives, if locks work for this process. Null: nobody can say, as its lock file is gone, or its
    /// store was closed. Then the time decides.</summary>
    private bool? IsAlive(SessionRow session) =>
        session.Process is not { } locked ? null : locked == process ? true : LifeLock.IsLocked(folder, locked);

    private void Age(SessionRow session, long now)
    {
        if (session.Stage == SessionStage.Lapsed && session.Lapsed + session.Quarantine < now)
        {
            SetStage(session, SessionStage.Dead);
            Note(now, LeaseEvent.Die, session: session.Instance);
        }
        else if (session.Stage == SessionStage.Live)
        {
            session.Lapsed = now;
            SetStage(session, SessionStage.Lapsed);
            database.Do("UPDATE session SET lapsed = ?2 WHERE id = ?1", session.Id, now);
            Note(now, LeaseEvent.Lapse, session: session.Instance);
        }
    }

    /// <summary>Takes from a dead session what it held of an arena. Its quarantine was the session's, from lapse to death.</summary>
    private UInt128 Reclaim(ArenaRow arena, SessionRow session, long now)
    {
        UInt128 freed = 0;
        List<ExtentRow> held = [];
        using (Rows rows = database.Query(
            $"SELECT {ExtentRow.Columns} FROM extent WHERE session = ?1 AND state = 1 AND arena = ?2 ORDER BY start", session.Id, arena.Id))
        {
            while (rows.Next())
            {
                held.Add(ExtentRow.Read(rows));
            }
        }

        foreach (ExtentRow extent in held)
        {
            Note(now, LeaseEvent.Reclaim, arena.Id, extent, session.Instance);
            freed += Free(arena.Id, extent with { Watermark = Larger(extent.Watermark, session.LeftIn(extent)) }, now);
        }

        if (database.Number("SELECT count(*) FROM extent WHERE session = ?1 AND state = 1", session.Id) == 0)
        {
            SetStage(session, SessionStage.Gone);
        }

        return freed;
    }

    private List<SessionRow> Sessions(string sql, params ReadOnlySpan<Value> values)
    {
        List<SessionRow> sessions = [];
        using Rows rows = database.Query(sql, values);
        while (rows.Next())
        {
            Guid instance = rows.Id(7);
            if (!_sessions.TryGetValue(instance, out SessionRow? known))
            {
                _sessions.Add(instance, known = SessionRow.Read(rows));
            }

            sessions.Add(known);
        }

        return sessions;
    }
}
