namespace Vmem.Leasing.Conformance.Scripts;

/// <summary>The rules of one arena, as plain as they can be: one cell a value. What a store answers is compared with what this
/// does.</summary>
/// <remarks>It shares no code with any engine. Times are ticks of the store's clock.</remarks>
public sealed partial class NaiveLeases
{
    private const int HoldPhases = 2;
    private const long FenceJump = 1_000_000_000;

    private readonly LeaseArena _arena;
    private readonly long _ttl;
    private readonly Cell[] _cells;
    private readonly Dictionary<Guid, Session> _sessions;
    private int _incarnation;
    private int _phase;
    private long _holdUntil;
    private long _fence;

    public NaiveLeases(LeaseArena arena, TimeSpan ttl, int incarnation)
    {
        ArgumentNullException.ThrowIfNull(arena);
        (_arena, _ttl, _incarnation) = (arena, ttl.Ticks, incarnation);
        _fence = (incarnation - 1) * FenceJump;                // a new arena's are larger than those of one that was forgotten
        _cells = new Cell[(int)arena.Definition.Size];
        _sessions = [];
    }

    private NaiveLeases(NaiveLeases original)
    {
        (_arena, _ttl, _incarnation) = (original._arena, original._ttl, original._incarnation);
        (_phase, _holdUntil, _fence) = (original._phase, original._holdUntil, original._fence);
        _cells = [.. original._cells];
        _sessions = new(original._sessions);
    }

    private enum Stage
    {
        Live,
        Lapsed,
        Dead,
    }

    private long Quarantine => _arena.Definition.Quarantine.Ticks;

    private IEnumerable<Lease> Leases => _cells.Select(static cell => cell.Lease).OfType<Lease>().Distinct();

    private IEnumerable<Lease> Held => Leases.Where(static lease => lease.RestsSince is null);

    public NaiveLeases Copy() => new(this);

    /// <summary>This was a replica's, which is the server from now on.</summary>
    public void Promote(long now)
    {
        _incarnation++;
        (_phase, _holdUntil) = (HoldPhases, now + Quarantine);
        _fence += FenceJump;
        foreach ((Guid id, Session session) in _sessions.Where(static pair => pair.Value.Stage != Stage.Dead).ToArray())
        {
            _sessions[id] = session with { Stage = Stage.Live, Expires = now + _ttl };
        }
    }

    public int Open(Guid id, long latest, long now)
    {
        _ = EndsHold(now);
        _sessions.Add(id, new Session(Stage.Live, now + _ttl, latest));
        return _incarnation;
    }

    public LeaseRenewal? Renew(Guid id, long latest, long now)
    {
        _ = EndsHold(now);
        if (!_sessions.TryGetValue(id, out Session? session) || session.Stage == Stage.Dead)
        {
            return null;
        }

        _sessions[id] = session with
        {
            Stage = Stage.Live,
            Expires = now + _ttl,
            Latest = Math.Max(session.Latest, latest),
            Beat = session.Beat + 1,
        };
        Lease[] held = [.. Held.Where(lease => lease.Session == id)];
        return new LeaseRenewal(session.Beat + 1, _incarnation, held.Length)
        {
            Digest = LeaseRenewal.DigestOf(held.Select(static lease => lease.Request)),
        };
    }

    public void Close(Guid id, bool clean, long now)
    {
        _ = EndsHold(now);
        if (!_sessions.TryGetValue(id, out Session? session) || session.Stage == Stage.Dead)
        {
            return;
        }

        foreach (Lease lease in Held.Where(lease => lease.Session == id).ToArray())
        {
            GiveBack(lease, clean, lease.IsMarked ? null : session.Latest, now);
        }

        _sessions[id] = session with { Stage = Stage.Dead };
    }

    public LeaseAnswer Grant(LeaseRequest request, long now)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!EndsHold(now))
        {
            return new LeaseAnswer(LeaseVerdict.OnHold);
        }

        if (!_sessions.TryGetValue(request.Session, out Session? session) || session.Stage != Stage.Live || session.Expires < now)
        {
            return new LeaseAnswer(LeaseVerdict.SessionNotLive);
        }

        if (Held.FirstOrDefault(lease => lease.Session == request.Session && lease.Request == request.Id) is { } same)
        {
            return AnswerOf(same);
        }

        if (Find(request) is not (int first, int size))
        {
            return new LeaseAnswer(LeaseVerdict.NoRoom);
        }

        Lease made = new(request.Session, first, size, ++_fence, request.Id);
        Fill(made.First, made.Size, cell => new Cell(made, made.Fence, cell.Watermark));
        return AnswerOf(made);
    }

    public bool Release(LeaseClaim claim, bool clean, long? watermark, long now)
    {
        if (HeldAs(claim) is not { } lease)
        {
            return false;
        }

        GiveBack(lease, clean, clean || watermark is not null || lease.IsMarked ? watermark : _sessions[lease.Session].Latest, now);
        return true;
    }

    public bool Mark(LeaseClaim claim, long watermark)
    {
        if (HeldAs(claim) is not { } lease)
        {
            return false;
        }

        Lease marked = lease with { IsMarked = true };
        Fill(lease.First, lease.Size, cell => new Cell(marked, cell.Fence, Larger(cell.Watermark, watermark)));
        return true;
    }

    public LeaseReassertion Reassert(LeaseClaim claim, long now)
    {
        ArgumentNullException.ThrowIfNull(claim);
        if (HeldAs(claim) is not null)
        {
            return LeaseReassertion.Known;
        }

        if (EndsHold(now))
        {
            return LeaseReassertion.TooLate;
        }

        if (!_sessions.TryGetValue(claim.Session, out Session? session) || session.Stage != Stage.Live)
        {
            return LeaseReassertion.SessionLost;
        }

        Lease lost = new(claim.Session, (int)(claim.Start - _arena.Definition.Start), (int)claim.Size, claim.Fence, claim.Request);
        if (_cells[lost.First..(lost.First + lost.Size)].Any(static cell => cell.Lease is not null))
        {
            return LeaseReassertion.Taken;
        }

        Fill(lost.First, lost.Size, cell => new Cell(lost, lost.Fence, cell.Watermark));
        return LeaseReassertion.Reinstated;
    }

    public UInt128 Sweep(long now)
    {
        if (!EndsHold(now))
        {
            return 0;
        }

        foreach ((Guid id, Session session) in _sessions.ToArray())
        {
            _sessions[id] = session switch
            {
                { Stage: Stage.Live } when session.Expires < now => session with { Stage = Stage.Lapsed, Lapsed = now },
                { Stage: Stage.Lapsed } when session.Lapsed + Quarantine < now => session with { Stage = Stage.Dead },
                _ => session,
            };
        }

        UInt128 freed = 0;
        foreach (Lease lease in Leases.ToArray())
        {
            bool isDead = lease.RestsSince is null && _sessions[lease.Session].Stage == Stage.Dead;
            if (isDead || lease.RestsSince + Quarantine < now)
            {
                Free(lease, isDead && !lease.IsMarked ? _sessions[lease.Session].Latest : null);
                freed += (UInt128)lease.Size;
            }
        }

        return freed;
    }

    private static long? Larger(long? one, long? other) => one is null || other > one ? other : one;

    private UInt128 ValueOf(int cell) => _arena.Definition.Start + (UInt128)cell;

    private LeaseAnswer AnswerOf(Lease lease) => new(LeaseVerdict.Granted,
        new LeaseClaim(_arena.Id, lease.Session, ValueOf(lease.First), (UInt128)lease.Size, lease.Fence, lease.Request),
        _cells[lease.First].Watermark);

    private Lease? HeldAs(LeaseClaim claim) => Held.FirstOrDefault(lease => AnswerOf(lease).Claim == claim);

    private bool EndsHold(long now)
    {
        if (_phase > 0 && _holdUntil <= now)
        {
            (_phase, _holdUntil) = (_phase - 1, now + Quarantine);
        }

        return _phase == 0;
    }

    private void GiveBack(Lease lease, bool clean, long? watermark, long now)
    {
        if (clean)
        {
            Free(lease, watermark);
            return;
        }

        Lease resting = lease with { RestsSince = now };
        Fill(lease.First, lease.Size, cell => new Cell(resting, cell.Fence, Larger(cell.Watermark, watermark)));
    }

    private void Fill(int first, int size, Func<Cell, Cell> turn)
    {
        foreach (ref Cell cell in _cells.AsSpan(first, size))
        {
            cell = turn(cell);
        }
    }

    private sealed record Session(Stage Stage, long Expires, long Latest, long Beat = 0, long Lapsed = 0);

    private sealed record Lease(Guid Session, int First, int Size, long Fence, Guid Request, bool IsMarked = false,
        long? RestsSince = null);

    private readonly record struct Cell(Lease? Lease, long Fence, long? Watermark);
}
