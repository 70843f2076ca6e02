using Vmem.Leasing.Sqlite.Processes;
using Vmem.Leasing.Sqlite.Sql;

namespace Vmem.Leasing.Sqlite.Machine;

/// <summary>The state machine of leases over the tables of a file. Each method is part of a transaction that others begin and
/// end.</summary>
/// <remarks>
/// The whole machine is code here, and the file has tables and their proof. In PostgreSQL it is functions, as clients of several versions
/// share a server; the processes of one machine share a disk, and a statement costs microseconds from here as from there. What a
/// transaction has read of arenas and sessions it need not read again: nobody else writes meanwhile.
/// </remarks>
internal sealed partial class LeaseMachine(Database database, TimeProvider time, string folder, Guid? process)
{
    private const int HoldPhases = 2;

    /// <summary>How far fences jump when an older copy was put back: more than grants can have been lost.</summary>
    private const long FenceJump = 1_000_000_000;

    /// <summary>How far the numbers of new arenas jump then: more arenas than can have been lost. Whoever leased of one names its number,
    /// which must never be that of another.</summary>
    private const int ArenaJump = 100_000;

    /// <summary>How long a phase of a hold takes where no arena is known: as long as the quarantine that an arena has unless somebody says
    /// otherwise.</summary>
    private static readonly TimeSpan s_leastPhase = TimeSpan.FromSeconds(30);

    private readonly Dictionary<int, ArenaRow> _arenas = [];
    private readonly Dictionary<Guid, SessionRow> _sessions = [];
    private int _incarnation;
    private int _phase;
    private long _holdUntil;
    private long _sequence;
    private Remainder? _remainder;

    /// <summary>How far the audit has come.</summary>
    public long Sequence => _sequence;

    /// <summary>How often the file was put back to an older state, and one.</summary>
    public int Incarnation => _incarnation;

    private long Now => time.GetUtcNow().Ticks;

    /// <summary>A transaction has begun: the file may be another than it was.</summary>
    /// <param name="witness">How far the audit had come, at least (R4).</param>
    /// <param name="incarnation">The last one that was: the file may be put back twice to what it was before the first time.</param>
    public void Begin(long witness, int incarnation)
    {
        _arenas.Clear();
        _sessions.Clear();
        _remainder = null;
        _sequence = database.Number("SELECT seq FROM audit ORDER BY seq DESC LIMIT 1");
        using (Rows rows = database.Query("SELECT incarnation, phase, hold_until FROM server"))
        {
            _ = rows.Next();
            (_incarnation, _phase, _holdUntil) = (rows.Number32(0), rows.Number32(1), rows.Number(2));
        }

        if (_sequence < witness)
        {
            FailOver(witness, Math.Max(_incarnation, incarnation) + 1);
        }
    }

    /// <summary>The transaction is about to be committed.</summary>
    public void End()
    {
        WriteRemainder();
        foreach (ArenaRow arena in _arenas.Values)
        {
            if (arena.Fence != arena.WrittenFence)
            {
                database.Do("UPDATE arena SET fence = ?2 WHERE id = ?1", arena.Id, arena.Fence);
                arena.WrittenFence = arena.Fence;
            }
        }
    }

    public LeaseArena Ensure(string name, LeaseDefinition? definition)
    {
        int id = (int)database.Number("SELECT id FROM arena WHERE name = ?1", name);
        if (id != 0)
        {
            LeaseArena known = ArenaOf(id).Arena;
            if (definition is not null)
            {
                known.Definition.CheckAgreement(name, definition);
            }

            return known;
        }

        if (definition is null)
        {
            throw new LeaseDefinitionException($"There is no arena '{name}': open it with a definition, which makes it.");
        }

        definition.Check();
        bool isBeyondHold = _phase > 0 && definition.Quarantine.Ticks > PhaseLength();
        id = checked((int)Math.Max(database.Number("SELECT max(id) FROM arena"), (_incarnation - 1L) * ArenaJump) + 1);
        database.Do("INSERT INTO arena (id, name, start, size, quantum, type, quarantine, fence) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            id, name, definition.Start, definition.Size, definition.Quantum, definition.Type, definition.Quarantine.Ticks,
            (_incarnation - 1) * FenceJump);
        if (isBeyondHold)
        {
            BeginHold(Now);
        }

        Insert(id, new ExtentRow(definition.Start, definition.Start + definition.Size - 1, 0, Now, null));
        return ArenaOf(id).Arena;
    }

    public int Open(Guid instance, string owner, TimeSpan ttl, long latest)
    {
        long now = Now;
        _ = EndsHold(now);
        int made = database.Do(
            "INSERT INTO session (instance, owner, process, ttl, quarantine, latest, expires) VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6) ON CONFLICT (instance) DO NOTHING",
            instance, owner, process, ttl.Ticks, latest, now + ttl.Ticks);
        if (made == 0)
        {
            throw new LeaseSessionException(
                $"Session {instance} exists already: each start of a process draws a number of its own, so open one without a number.");
        }

        Note(now, LeaseEvent.Open, session: instance, detail: owner);
        return _incarnation;
    }

    public LeaseRenewal? Renew(Guid instance, long latest)
    {
        long now = Now;
        _ = EndsHold(now);
        if (SessionOf(instance) is not { Stage: SessionStage.Live or SessionStage.Lapsed } session)
        {
            return null;
        }

        if (session.Stage == SessionStage.Lapsed)
        {
            Note(now, LeaseEvent.Revive, session: instance);
        }

        session.Stage = SessionStage.Live;
        session.Expires = now + session.Ttl;               // set, not the larger of two: so a clock that went back heals
        session.Latest = Math.Max(session.Latest, latest);
        database.Do("UPDATE session SET beat = beat + 1, expires = ?2, state = 0, lapsed = NULL, latest = ?3 WHERE id = ?1",
            session.Id, session.Expires, session.Latest);
        List<Guid> held = RequestsOf(session);
        return new LeaseRenewal(database.Number("SELECT beat FROM session WHERE id = ?1", session.Id), _incarnation, held.Count)
        {
            Digest = LeaseRenewal.DigestOf(held),
        };
    }

    public void Close(Guid instance, bool clean)
    {
        long now = Now;
        _ = EndsHold(now);
        if (SessionOf(instance) is not { Stage: SessionStage.Live or SessionStage.Lapsed } session)
        {
            return;
        }

        if (session.IsNamed)
        {
            SetStage(session, HeldBy(session).Count > 0 ? SessionStage.Dead : SessionStage.Gone);          // for its heir
            Note(now, LeaseEvent.Close, session: instance);
            return;
        }

        foreach ((int arena, ExtentRow extent) in HeldBy(session))
        {
            Release(arena, extent, instance, clean, session.LeftIn(extent), now);
        }

        SetStage(session, SessionStage.Gone);
        Note(now, LeaseEvent.Close, session: instance);
    }

    /// <summary>The store of this process is going, and with it the lock: from now on time alone decides about its sessions.</summary>
    public void LetGo() => database.Do("UPDATE session SET process = NULL WHERE process = ?1 AND state < 3", process);

    /// <summary>Ends phases of the hold that are over; says whether none is left.</summary>
    private bool EndsHold(long now)
    {
        if (_phase > 0 && _holdUntil <= now)
        {
            _phase--;
            _holdUntil = now + PhaseLength();
            database.Do("UPDATE server SET phase = ?1, hold_until = ?2", _phase, _holdUntil);
        }

        return _phase == 0;
    }

    private void FailOver(long witness, int next)
    {
        long now = Now;
        long had = _sequence;
        _sequence = witness;                               // numbers that others may have seen are not given again
        database.Do("UPDATE arena SET fence = fence + ?1", (next - _incarnation) * FenceJump);
        database.Do("UPDATE server SET incarnation = ?1", next);
        _incarnation = next;
        BeginHold(now);

        // For the living: that the file was away was no silence of theirs. Safety does not need it.
        database.Do("UPDATE session SET state = 0, lapsed = NULL, expires = ?1 + ttl WHERE state < 2", now);
        Note(now, LeaseEvent.Hold, detail: $"the file ends at entry {had}, and entry {witness} was written");
    }

    private void BeginHold(long now)
    {
        _phase = HoldPhases;
        _holdUntil = now + PhaseLength();
        database.Do("UPDATE server SET phase = ?1, hold_until = ?2", _phase, _holdUntil);
    }

    /// <summary>How long a phase of a hold takes: no session that was granted anything believes longer in silence, be it in an arena that
    /// nobody remembers.</summary>
    private long PhaseLength() => Math.Max(
        database.Number("SELECT coalesce(max(quarantine), ?1) FROM arena", s_leastPhase.Ticks),
        database.Number("SELECT max(ttl) FROM session WHERE state < 2"));

    private ArenaRow ArenaOf(int id)
    {
        if (_arenas.TryGetValue(id, out ArenaRow? known))
        {
            return known;
        }

        using Rows rows = database.Query("SELECT name, start, size, quantum, type, quarantine, fence FROM arena WHERE id = ?1", id);
        if (!rows.Next())
        {
            throw new LeaseDefinitionException($"There is no arena of the number {id}.");
        }

        LeaseDefinition definition = new()
        {
            Start = rows.Wide(1),
            Size = rows.Wide(2),
            Quantum = rows.Wide(3),
            Type = rows.Text(4),
            Quarantine = new TimeSpan(rows.Number(5)),
        };
        var read = new ArenaRow(new LeaseArena(id, rows.Text(0), definition), rows.Number(6));
        _arenas.Add(id, read);
        return read;
    }

    private SessionRow? SessionOf(Guid instance)
    {
        if (_sessions.TryGetValue(instance, out SessionRow? known))
        {
            return known;
        }

        using Rows rows = database.Query($"SELECT {SessionRow.Columns} FROM session WHERE instance = ?1", instance);
        if (!rows.Next())
        {
            return null;
        }

        var read = SessionRow.Read(rows);
        _sessions.Add(instance, read);
        return read;
    }

    /// <summary>Before anybody looks for what is free: gives the remainder a row.</summary>
    private void WriteRemainder()
    {
        if (_remainder is { } rest)
        {
            _remainder = null;
            Insert(rest.Arena, rest.Free);
        }
    }

    /// <summary>Adds a free extent.</summary>
    private void Insert(int arena, in ExtentRow free) => database.Do(
        "INSERT INTO extent (arena, start, last, size, state, fence, since, watermark) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7)",
        arena, free.Start, free.Last, free.Size, free.Fence, free.Since, free.Watermark);

    private void SetStage(SessionRow session, SessionStage stage)
    {
        session.Stage = stage;
        database.Do("UPDATE session SET state = ?2 WHERE id = ?1", session.Id, (long)stage);
    }

    private void Note(long now, LeaseEvent what, Guid? session = null, string detail = "") => database.Do(
        "INSERT INTO audit (seq, at, event, session, detail) VALUES (?1, ?2, ?3, ?4, ?5)",
        ++_sequence, now, (long)what, session, detail);

    private void Note(long now, LeaseEvent what, int arena, in ExtentRow extent, Guid? session = null, string detail = "") => database.Do(
        "INSERT INTO audit (seq, at, event, arena, start, size, session, fence, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        ++_sequence, now, (long)what, arena, extent.Start, extent.Size, session, extent.Fence, detail);
}
