using Vmem.Leasing.Protocol;

namespace Vmem.Leasing.Memory;

/// <summary>The state machine of leases: sessions live → lapsed → dead, lapsed → live; extents free → leased → quarantined → free, leased →
/// free only by a clean release; the store normal → hold, in two phases → normal.</summary>
/// <remarks>
/// It has no lock and no clock: each operation is told the time, in ticks of the store's clock. So <see cref="InMemoryLeaseStore"/> is a
/// lock and a clock around it, and a test can be both.
/// </remarks>
internal sealed partial class LeaseMachine
{
    private readonly Dictionary<Guid, MachineSession> _sessions = [];
    private readonly List<MachineArena> _arenas = [];
    private readonly Dictionary<string, MachineArena> _arenaByName = new(StringComparer.Ordinal);
    private readonly List<MachineEntry> _audit = [];

    private long _pruned;                                  // entries that were deleted from the audit: the numbers of others stay

    public int Incarnation { get; private set; } = 1;

    /// <summary>How many phases of a hold are left.</summary>
    public int Phase { get; private set; }

    public long HoldUntil { get; private set; }

    /// <summary>How long a phase of a hold takes: no session that was granted anything believes longer in silence.</summary>
    private long LongestQuarantine => _arenas.Count == 0 ? 0 : _arenas.Max(arena => arena.Arena.Definition.Quarantine.Ticks);

    /// <summary>A copy of all arenas and sessions: what a replica would have if it stopped now. Its incarnation and its hold begin when it
    /// is promoted.</summary>
    public LeaseMachine Copy()
    {
        LeaseMachine copy = new();
        foreach ((Guid instance, MachineSession session) in _sessions)
        {
            copy._sessions.Add(instance, session.Copy());
        }

        foreach (MachineArena arena in _arenas)
        {
            copy.Add(arena.Copy(session => copy._sessions[session.Instance]));
        }

        copy._audit.AddRange(_audit);
        copy._pruned = _pruned;
        return copy;
    }

    /// <summary>This state was that of a replica, which is the server from now on (R4).</summary>
    /// <param name="former">The number of the incarnation that ends.</param>
    /// <param name="now">The time.</param>
    public void Promote(int former, long now)
    {
        Incarnation = former + 1;
        Phase = LeaseRules.HoldPhases;
        HoldUntil = now + LongestQuarantine;
        _arenas.ForEach(arena => arena.Fence += LeaseRules.FenceJump);

        // For the living: the server's absence was no silence of theirs. Safety does not need it.
        foreach (MachineSession session in _sessions.Values.Where(session => session.Stage != SessionStage.Dead))
        {
            session.Stage = SessionStage.Live;
            session.Expires = now + session.Ttl;
        }

        Note(now, LeaseEvent.Hold, detail: $"incarnation {Incarnation}");
    }

    public LeaseArena Ensure(string name, LeaseDefinition? definition)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (_arenaByName.TryGetValue(name, out MachineArena? known))
        {
            if (definition is not null)
            {
                known.Arena.Definition.CheckAgreement(name, definition);
            }

            return known.Arena;
        }

        if (definition is null)
        {
            throw new LeaseDefinitionException($"There is no arena '{name}': open it with a definition, which makes it.");
        }

        definition.Check();
        var made = new MachineArena(new LeaseArena(_arenas.Count + 1, name, definition));
        Add(made);
        return made.Arena;
    }

    public LeaseArena Find(int id) => ArenaOf(id).Arena;

    public int Open(Guid instance, string owner, TimeSpan ttl, long latest, long now)
    {
        _ = EndsHold(now);
        var session = new MachineSession(instance, owner, ttl.Ticks) { Expires = now + ttl.Ticks, Latest = latest };
        if (!_sessions.TryAdd(instance, session))
        {
            throw new LeaseSessionException(
                $"Session {instance} exists already: each start of a process draws a number of its own, so open one without a number.");
        }

        Note(now, LeaseEvent.Open, session: instance, detail: owner);
        return Incarnation;
    }

    public LeaseRenewal? Renew(Guid instance, long latest, long now)
    {
        _ = EndsHold(now);
        if (!_sessions.TryGetValue(instance, out MachineSession? session) || session.Stage == SessionStage.Dead)
        {
            return null;
        }

        if (session.Stage == SessionStage.Lapsed)
        {
            Note(now, LeaseEvent.Revive, session: instance);
        }

        session.Stage = SessionStage.Live;
        session.Beat++;
        session.Expires = now + session.Ttl;               // set, not the larger of two: so a clock that went back heals
        session.Latest = Math.Max(session.Latest, latest);
        return new LeaseRenewal(session.Beat, Incarnation, session.Held.Count);
    }

    public void Close(Guid instance, bool clean, long now)
    {
        _ = EndsHold(now);
        if (!_sessions.TryGetValue(instance, out MachineSession? session) || session.Stage == SessionStage.Dead)
        {
            return;
        }

        foreach (MachineExtent extent in session.Held.ToArray())
        {
            Release(extent, clean, extent.Left, now);
        }

        session.Stage = SessionStage.Dead;
        Note(now, LeaseEvent.Close, session: instance);
    }

    /// <returns>How many entries were deleted.</returns>
    public long Prune(long before)
    {
        int count = 0;
        while (count < _audit.Count - 1 && _audit[count].At < before)
        {
            count++;
        }

        _audit.RemoveRange(0, count);
        _pruned += count;
        foreach (MachineSession session in _sessions.Values.ToArray())
        {
            if (session.Stage == SessionStage.Dead && session.Held.Count == 0 && session.Expires < before)
            {
                _sessions.Remove(session.Instance);
            }
        }

        return count;
    }

    /// <summary>Ends phases of the hold that are over; says whether none is left.</summary>
    private bool EndsHold(long now)
    {
        if (Phase > 0 && LeaseRules.EndsPhase(HoldUntil, now))
        {
            Phase--;
            HoldUntil = now + LongestQuarantine;
        }

        return Phase == 0;
    }

    private void Add(MachineArena arena)
    {
        _arenas.Add(arena);
        _arenaByName.Add(arena.Arena.Name, arena);
    }

    private MachineArena ArenaOf(int id) =>
        id > 0 && id <= _arenas.Count ? _arenas[id - 1] : throw new LeaseDefinitionException($"There is no arena of the number {id}.");
}
