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
    private readonly Dictionary<int, MachineArena> _arenaById = [];
    private readonly Dictionary<string, MachineArena> _arenaByName = new(StringComparer.Ordinal);
    private readonly List<MachineEntry> _audit = [];

    private long _pruned;                                  // entries that were deleted from the audit: the numbers of others stay

    public int Incarnation { get; private set; } = 1;

    /// <summary>How many phases of a hold are left.</summary>
    public int Phase { get; private set; }

    public long HoldUntil { get; private set; }

    /// <summary>How long a phase of a hold takes: no session that was granted anything believes longer in silence, be it in an arena that
    /// nobody remembers.</summary>
    private long PhaseLength => Math.Max(
        _arenas.Select(static arena => arena.Arena.Definition.Quarantine.Ticks).DefaultIfEmpty(LeaseRules.LeastPhase.Ticks).Max(),
        _sessions.Values.Where(static session => session.Stage != SessionStage.Dead).Select(static session => session.Ttl).DefaultIfEmpty()
            .Max());

    /// <summary>A copy of all arenas and sessions: what a replica would have if it stopped now. Its hold begins when it is
    /// promoted.</summary>
    public LeaseMachine Copy()
    {
        LeaseMachine copy = new() { Incarnation = Incarnation };
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
        int next = Math.Max(former, Incarnation) + 1;          // of several that were promoted from one state each has fences of its own
        _arenas.ForEach(arena => arena.Fence += (next - Incarnation) * LeaseRules.FenceJump);
        Incarnation = next;
        BeginHold(now);

        // For the living: the server's absence was no silence of theirs. Safety does not need it.
        foreach (MachineSession session in _sessions.Values.Where(session => session.Stage != SessionStage.Dead))
        {
            session.Stage = SessionStage.Live;
            session.Expires = now + session.Ttl;
        }

        Note(now, LeaseEvent.Hold, detail: $"incarnation {Incarnation}");
    }

    public LeaseArena Ensure(string name, LeaseDefinition? definition, long now)
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
        bool isBeyondHold = Phase > 0 && definition.Quarantine.Ticks > PhaseLength;
        int last = Math.Max(_arenas.Count == 0 ? 0 : _arenas[^1].Arena.Id, (Incarnation - 1) * LeaseRules.ArenaJump);
        MachineArena made = new(new LeaseArena(last + 1, name, definition)) { Fence = (Incarnation - 1) * LeaseRules.FenceJump };
        Add(made);
        if (isBeyondHold)
        {
            BeginHold(now);
        }

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
        return new LeaseRenewal(session.Beat, Incarnation, session.Held.Count)
        {
            Digest = LeaseRenewal.DigestOf(session.Held.Select(static extent => extent.Request)),
        };
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
            HoldUntil = now + PhaseLength;
        }

        return Phase == 0;
    }

    private void BeginHold(long now)
    {
        Phase = LeaseRules.HoldPhases;
        HoldUntil = now + PhaseLength;
    }

    private void Add(MachineArena arena)
    {
        _arenas.Add(arena);
        _arenaById.Add(arena.Arena.Id, arena);
        _arenaByName.Add(arena.Arena.Name, arena);
    }

    private MachineArena ArenaOf(int id) => _arenaById.TryGetValue(id, out MachineArena? known)
        ? known
        : throw new LeaseDefinitionException($"There is no arena of the number {id}.");
}
