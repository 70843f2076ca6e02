using Vmem.Leasing.Sqlite.Processes;
using Vmem.Leasing.Sqlite.Sql;

namespace Vmem.Leasing.Sqlite.Machine;

// What operators ask, and what is inherited.
internal sealed partial class LeaseMachine
{
    public IReadOnlyList<LeaseArena> ListArenas()
    {
        List<int> ids = [];
        using (Rows rows = database.Query("SELECT id FROM arena ORDER BY id"))
        {
            while (rows.Next())
            {
                ids.Add(rows.Number32(0));
            }
        }

        return [.. ids.Select(id => ArenaOf(id).Arena)];
    }

    public IReadOnlyList<LeaseSessionInfo> ListSessions()
    {
        List<LeaseSessionInfo> sessions = [];
        using Rows rows = database.Query(
            "SELECT s.instance, s.owner, s.state, s.ttl, s.expires, s.beat, (SELECT count(*) FROM extent e WHERE e.session = s.id AND e.state = 1) FROM session s WHERE s.state < 3 ORDER BY s.id");
        while (rows.Next())
        {
            sessions.Add(new LeaseSessionInfo(rows.Id(0), rows.Text(1), (LeaseSessionStage)rows.Number(2), new TimeSpan(rows.Number(3)),
                rows.Time(4), rows.Number(5), rows.Number(6)));
        }

        return sessions;
    }

    /// <returns>How many entries were deleted.</returns>
    public long Prune(long before)
    {
        // By number, up to the first entry that is not older: a clock that went back must not leave a grant without its release.
        int deleted = database.Do(
            "DELETE FROM audit WHERE seq < coalesce((SELECT seq FROM audit WHERE at >= ?1 ORDER BY seq LIMIT 1), ?2)", before, _sequence);
        database.Do("DELETE FROM session WHERE state = 3 AND expires < ?1", before);
        _sessions.Clear();
        return deleted;
    }

    /// <summary>Hands what the last session of a name left to a new one. It is dead for certain: its process let go of its lock, or it was
    /// closed.</summary>
    public IReadOnlyList<LeaseClaim> Inherit(Guid instance, string name)
    {
        if (process is null)
        {
            throw new LeaseSessionException($"File locks do not work beside {database.Path}: nobody can know whether the last process of '{name}' is dead. Use a drive of this machine.");
        }

        if (SessionOf(instance) is not { Stage: SessionStage.Live or SessionStage.Lapsed } heir)
        {
            throw new LeaseSessionException($"Session {instance}, which is to be '{name}', is over or unknown.");
        }

        long now = Now;
        if (!EndsHold(now))
        {
            throw new LeaseSessionException($"{database.Path} was put back from a copy: others may still use what it says '{name}' held. Names are inherited when the hold is over.");
        }

        List<SessionRow> formers = Sessions(
            $"SELECT {SessionRow.Columns} FROM session WHERE name = ?1 AND state < 3 AND id <> ?2", name, heir.Id);
        foreach (SessionRow former in formers)
        {
            CheckHasEnded(former, name, now);
        }

        database.Do("UPDATE session SET name = ?2 WHERE id = ?1", heir.Id, name);
        heir.IsNamed = true;
        formers.ForEach(former => Bequeath(former, heir, now));
        return HeldBy(instance);
    }

    /// <summary>Throws unless it is certain that a session is over: its process is dead; or nobody can say, and it was silent for its TTL
    /// and a quarantine, as in every store (R3). That the caller's own process lives says nothing: the session may have been left to lapse,
    /// or its end not been heard. Its own is what was opened through the same store object: the lock of another one is as that of another
    /// process.</summary>
    private void CheckHasEnded(SessionRow former, string name, long now)
    {
        bool isOwn = former.Process == process;
        bool? isAlive = former.Stage == SessionStage.Dead ? false : isOwn ? null : IsAlive(former);
        if (isAlive == true)
        {
            throw new LeaseSessionException($"'{name}' is in use: session {former.Instance} has the name, and its process lives. End that process, or take another name. If it is this process, and the session was left to lapse, open the next one through the same store, or close that store first.");
        }

        if (isAlive is null && former.Expires < now)
        {
            Age(former, now);
        }

        if (isAlive is null && former.Stage != SessionStage.Dead)
        {
            long silent = former.Stage == SessionStage.Live ? Math.Max(former.Expires, now) : former.Lapsed;
            string why = isOwn ? "is of this process. Dispose of it first. If it is over, and the store has not heard so"
                : "nobody can say whether its process lives, as its lock file is gone or its store was closed. If it stays silent";
            throw new LeaseSessionException($"'{name}' may be in use: session {former.Instance} has the name, and {why}, the name can be had after {new DateTime(silent + former.Quarantine, DateTimeKind.Utc):yyyy-MM-dd HH:mm:ss}Z. Try again then, or take another name.");
        }
    }

    private void Bequeath(SessionRow former, SessionRow heir, long now)
    {
        if (former.Stage < SessionStage.Dead)
        {
            Note(now, LeaseEvent.Die, session: former.Instance, detail: "its process ended");
        }

        SetStage(former, SessionStage.Dead);
        foreach ((int id, ExtentRow extent) in HeldBy(former))
        {
            ArenaRow arena = ArenaOf(id);
            LengthenQuarantine(heir, arena);
            ExtentRow left = extent with { Fence = ++arena.Fence, Watermark = Larger(extent.Watermark, former.LeftIn(extent)) };
            Note(now, LeaseEvent.Reclaim, id, extent, former.Instance, "inherited");
            Note(now, LeaseEvent.Free, id, extent);
            database.Do(
                "UPDATE extent SET session = ?3, request = ?4, fence = ?5, since = ?6, watermark = ?7, marked = 0 WHERE arena = ?1 AND start = ?2",
                id, left.Start, heir.Id, Guid.NewGuid(), left.Fence, now, left.Watermark);
            Note(now, LeaseEvent.Grant, id, left, heir.Instance, "inherited");
        }

        SetStage(former, SessionStage.Gone);
    }
}
