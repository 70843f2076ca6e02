using Vmem.Leasing.Protocol;

namespace Vmem.Leasing.Memory;

// What happens to extents.
internal sealed partial class LeaseMachine
{
    public LeaseAnswer Grant(LeaseRequest request, long now)
    {
        MachineArena arena = ArenaOf(request.Arena);
        request.Check(arena.Arena);
        if (!EndsHold(now))
        {
            return new LeaseAnswer(LeaseVerdict.OnHold);
        }

        if (!_sessions.TryGetValue(request.Session, out MachineSession? session) || session.Stage != SessionStage.Live
            || LeaseRules.HasExpired(session.Expires, now))
        {
            return new LeaseAnswer(LeaseVerdict.SessionNotLive);
        }

        if (session.GrantedFor(request.Id) is { } same)
        {
            return new LeaseAnswer(LeaseVerdict.Granted, ClaimOf(same), same.Watermark);
        }

        long quarantine = arena.Arena.Definition.Quarantine.Ticks;
        if (session.Ttl > quarantine)
        {
            throw new LeaseDefinitionException(
                $"The session's TTL {TimeSpan.FromTicks(session.Ttl)} is longer than the quarantine {TimeSpan.FromTicks(quarantine)} of arena '{arena.Arena.Name}': its values would be reused under it. Shorten the TTL, or make the arena with a longer quarantine.");
        }

        if (arena.Find(request, out UInt128 start, out UInt128 size) is not { } extent)
        {
            return new LeaseAnswer(LeaseVerdict.NoRoom);
        }

        extent = arena.Carve(extent, start, size);
        arena.Turn(extent, LeaseExtentState.Leased, now);
        session.Quarantine = Math.Max(session.Quarantine, quarantine);
        Assign(extent, session, ++arena.Fence, request.Id);
        Note(now, LeaseEvent.Grant, extent, session.Instance);
        return new LeaseAnswer(LeaseVerdict.Granted, ClaimOf(extent), extent.Watermark);
    }

    public bool Release(LeaseClaim claim, bool clean, long? watermark, long now)
    {
        MachineArena arena = ArenaOf(claim.Arena);
        if (arena.At(claim.Start) is not { } extent || !extent.Is(claim))
        {
            return false;
        }

        Release(extent, clean, clean ? watermark : watermark ?? extent.Left, now);
        return true;
    }

    public LeaseReassertion Reassert(LeaseClaim claim, long now)
    {
        MachineArena arena = ArenaOf(claim.Arena);
        if (arena.At(claim.Start) is { } known && known.Is(claim))
        {
            return LeaseReassertion.Known;
        }

        if (EndsHold(now))
        {
            return LeaseReassertion.TooLate;
        }

        if (!_sessions.TryGetValue(claim.Session, out MachineSession? session) || session.Stage != SessionStage.Live)
        {
            return LeaseReassertion.SessionLost;
        }

        MachineExtent? around = arena.Extents.LastOrDefault(extent => extent.Start <= claim.Start);
        if (around is not { State: LeaseExtentState.Free } || around.End - claim.Start < claim.Size || claim.Fence > arena.Fence)
        {
            return LeaseReassertion.Taken;
        }

        MachineExtent extent = arena.Carve(around, claim.Start, claim.Size);
        arena.Turn(extent, LeaseExtentState.Leased, now);
        session.Quarantine = Math.Max(session.Quarantine, arena.Arena.Definition.Quarantine.Ticks);
        Assign(extent, session, claim.Fence, claim.Request);
        Note(now, LeaseEvent.Reassert, extent, session.Instance);
        return LeaseReassertion.Reinstated;
    }

    public bool Mark(LeaseClaim claim, long watermark)
    {
        if (ArenaOf(claim.Arena).At(claim.Start) is not { } extent || !extent.Is(claim))
        {
            return false;
        }

        extent.Watermark = Math.Max(extent.Watermark ?? watermark, watermark);
        extent.IsMarked = true;
        return true;
    }

    /// <returns>How much became free.</returns>
    public UInt128 Sweep(int id, long now)
    {
        MachineArena arena = ArenaOf(id);
        if (!EndsHold(now))
        {
            return 0;
        }

        foreach (MachineSession session in _sessions.Values)
        {
            Age(session, now);
        }

        UInt128 freed = 0;
        foreach (MachineSession session in _sessions.Values.Where(session => session.Stage == SessionStage.Dead && session.Held.Count > 0))
        {
            foreach (MachineExtent extent in session.Held.Where(extent => extent.Arena == arena).ToArray())
            {
                freed += Reclaim(extent, now);
            }
        }

        long quarantine = arena.Arena.Definition.Quarantine.Ticks;
        foreach (MachineExtent extent in arena.Quarantined.Where(extent => LeaseRules.IsPast(extent.Since, quarantine, now)).ToArray())
        {
            freed += Free(extent, now);
        }

        return freed;
    }

    private void Age(MachineSession session, long now)
    {
        if (session.Stage == SessionStage.Lapsed && LeaseRules.IsPast(session.Lapsed, session.Quarantine, now))
        {
            session.Stage = SessionStage.Dead;
            Note(now, LeaseEvent.Die, session: session.Instance);
        }
        else if (session.Stage == SessionStage.Live && LeaseRules.HasExpired(session.Expires, now))
        {
            session.Stage = SessionStage.Lapsed;
            session.Lapsed = now;
            Note(now, LeaseEvent.Lapse, session: session.Instance);
        }
    }

    private void Release(MachineExtent extent, bool clean, long? watermark, long now)
    {
        if (watermark is { } mark)
        {
            extent.Watermark = Math.Max(extent.Watermark ?? mark, mark);
        }

        Note(now, LeaseEvent.Release, extent, extent.Session!.Instance, clean ? "clean" : "quarantined");
        extent.Session.Remove(extent);
        extent.Session = null;
        if (clean)
        {
            Free(extent, now);
        }
        else
        {
            extent.Arena.Turn(extent, LeaseExtentState.Quarantined, now);
        }
    }

    /// <summary>Takes a lease from a dead session. Its quarantine was the session's, from lapse to death.</summary>
    private UInt128 Reclaim(MachineExtent extent, long now)
    {
        if (extent.Left is { } left)
        {
            extent.Watermark = Math.Max(extent.Watermark ?? left, left);
        }

        Note(now, LeaseEvent.Reclaim, extent, extent.Session!.Instance);
        extent.Session.Remove(extent);
        extent.Session = null;
        return Free(extent, now);
    }

    /// <returns>How much became free.</returns>
    private UInt128 Free(MachineExtent extent, long now)
    {
        UInt128 size = extent.Size;
        Note(now, LeaseEvent.Free, extent);
        extent.Arena.Turn(extent, LeaseExtentState.Free, now);
        extent.Arena.Join(extent);
        return size;
    }

    private static void Assign(MachineExtent extent, MachineSession session, long fence, Guid request)
    {
        (extent.Session, extent.Fence, extent.Request, extent.IsMarked) = (session, fence, request, false);
        session.Add(extent);
    }

    private static LeaseClaim ClaimOf(MachineExtent extent) =>
        new(extent.Arena.Arena.Id, extent.Session!.Instance, extent.Start, extent.Size, extent.Fence, extent.Request);
}
