using Vmem.Leasing.Sqlite.Sql;

namespace Vmem.Leasing.Sqlite.Machine;

// How extents are granted, and leases that were forgotten taken up again.
internal sealed partial class LeaseMachine
{
    public LeaseAnswer Grant(LeaseRequest request)
    {
        ArenaRow arena = ArenaOf(request.Arena);
        request.Check(arena.Arena);
        long now = Now;
        if (!EndsHold(now))
        {
            return new LeaseAnswer(LeaseVerdict.OnHold);
        }

        if (SessionOf(request.Session) is not { Stage: SessionStage.Live } session || session.Expires < now)
        {
            return new LeaseAnswer(LeaseVerdict.SessionNotLive);
        }

        if (GrantedFor(session, request.Id) is { } same)
        {
            return same;
        }

        if (session.Ttl > arena.Quarantine)
        {
            throw new LeaseDefinitionException(
                $"The session's TTL {TimeSpan.FromTicks(session.Ttl)} is longer than the quarantine {TimeSpan.FromTicks(arena.Quarantine)} of arena '{arena.Arena.Name}': its values would be reused under it. Shorten the TTL, or make the arena with a longer quarantine.");
        }

        if (Find(request, out UInt128 start, out UInt128 size) is not { } extent)
        {
            return new LeaseAnswer(LeaseVerdict.NoRoom);
        }

        ExtentRow taken = Take(arena, extent, start, size, session, ++arena.Fence, request.Id, now,
            bestFrom: request.IsUnconstrained ? request.Size : 0);
        Note(now, LeaseEvent.Grant, arena.Id, taken, session.Instance);
        return new LeaseAnswer(LeaseVerdict.Granted,
            new LeaseClaim(arena.Id, session.Instance, taken.Start, taken.Size, taken.Fence, request.Id), taken.Watermark);
    }

    public LeaseReassertion Reassert(LeaseClaim claim)
    {
        ArenaRow arena = ArenaOf(claim.Arena);
        if (HeldAs(claim) is not null)
        {
            return LeaseReassertion.Known;
        }

        long now = Now;
        if (EndsHold(now))
        {
            return LeaseReassertion.TooLate;
        }

        if (SessionOf(claim.Session) is not { Stage: SessionStage.Live } session)
        {
            return LeaseReassertion.SessionLost;
        }

        if (FreeAround(claim.Arena, claim.Start) is not { } around || around.Last - claim.Start < claim.Size - 1
            || claim.Fence > arena.Fence)
        {
            return LeaseReassertion.Taken;
        }

        ExtentRow taken = Take(arena, around, claim.Start, claim.Size, session, claim.Fence, claim.Request, now);
        Note(now, LeaseEvent.Reassert, arena.Id, taken, session.Instance);
        return LeaseReassertion.Reinstated;
    }

    private LeaseAnswer? GrantedFor(SessionRow session, Guid request)
    {
        using Rows rows = database.Query(
            $"SELECT {ExtentRow.Columns}, arena FROM extent WHERE session = ?1 AND request = ?2 AND state = 1", session.Id, request);
        if (!rows.Next())
        {
            return null;
        }

        var extent = ExtentRow.Read(rows);
        return new LeaseAnswer(LeaseVerdict.Granted,
            new LeaseClaim(rows.Number32(6), session.Instance, extent.Start, extent.Size, extent.Fence, request), extent.Watermark);
    }

    /// <summary>The smallest free extent that holds the request, of equal ones the lowest; and where in it. If there is none, the largest,
    /// if that is of use.</summary>
    private ExtentRow? Find(LeaseRequest request, out UInt128 start, out UInt128 size)
    {
        size = request.Size;
        if (_remainder is { } rest && rest.IsBestFor(request))
        {
            start = rest.Free.Start;
            return rest.Free;
        }

        // In a window shorter than two such ranges all places have a value in common, so one extent can have them. It is found by address.
        if (request.Max != 0 && (request.Max - request.Min) / 2 < size)
        {
            start = 0;
            return request.Max - request.Min >= size && FreeAround(request.Arena, request.Max - size) is { } only
                && TryPlace(only, request, out start) ? only : null;
        }

        WriteRemainder();
        using (Rows rows = database.Query(
            $"SELECT {ExtentRow.Columns} FROM extent WHERE arena = ?1 AND state = 0 AND size >= ?2 ORDER BY size, start", request.Arena, size))
        {
            while (rows.Next())
            {
                var extent = ExtentRow.Read(rows);
                if (TryPlace(extent, request, out start))
                {
                    return extent;
                }
            }
        }

        start = 0;
        if (request.MinSize == 0)
        {
            return null;
        }

        using Rows largest = database.Query(
            $"SELECT {ExtentRow.Columns} FROM extent WHERE arena = ?1 AND state = 0 AND size >= ?2 ORDER BY size DESC, start DESC LIMIT 1",
            request.Arena, request.MinSize);
        if (!largest.Next())
        {
            return null;
        }

        var whole = ExtentRow.Read(largest);
        (start, size) = (whole.Start, whole.Size);
        return whole;
    }

    private static bool TryPlace(in ExtentRow extent, LeaseRequest request, out UInt128 start)
    {
        start = UInt128.Max(extent.Start, request.Min);
        if (request.Align > 1)
        {
            UInt128 beyond = (start % request.Align + request.Align - request.Phase) % request.Align;
            UInt128 ahead = beyond == 0 ? 0 : request.Align - beyond;
            if (start > UInt128.MaxValue - ahead)
            {
                return false;
            }

            start += ahead;
        }

        UInt128 last = request.Max == 0 ? extent.Last : UInt128.Min(extent.Last, request.Max - 1);
        return start <= last && last - start >= request.Size - 1;
    }

    /// <summary>All that a session holds is reclaimed by its one death: so that waits for the longest of the arenas.</summary>
    private void LengthenQuarantine(SessionRow session, ArenaRow arena)
    {
        if (session.Quarantine < arena.Quarantine)
        {
            session.Quarantine = arena.Quarantine;
            database.Do("UPDATE session SET quarantine = ?2 WHERE id = ?1", session.Id, session.Quarantine);
        }
    }

    /// <summary>Cuts [start, start + size) out of a free extent and leases it. The extent has a row, or is the remainder. It is the best
    /// fit for sizes from <c>bestFrom</c> on; 0: nobody knows.</summary>
    private ExtentRow Take(ArenaRow arena, in ExtentRow free, UInt128 start, UInt128 size, SessionRow session, long fence, Guid request,
        long now, UInt128 bestFrom = default)
    {
        LengthenQuarantine(session, arena);
        ExtentRow taken = new(start, start + size - 1, fence, now, free.Watermark);
        if (_remainder is null && start == free.Start)
        {
            database.Do(
                "UPDATE extent SET last = ?3, size = ?4, state = 1, session = ?5, request = ?6, fence = ?7, since = ?8, marked = 0 WHERE arena = ?1 AND start = ?2",
                arena.Id, start, taken.Last, size, session.Id, request, fence, now);
        }
        else
        {
            if (_remainder is null)
            {
                database.Do("UPDATE extent SET last = ?3, size = ?4 WHERE arena = ?1 AND start = ?2",
                    arena.Id, free.Start, start - 1, start - free.Start);
            }

            database.Do(
                "INSERT INTO extent (arena, start, last, size, state, session, request, fence, since, watermark) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?8, ?9)",
                arena.Id, start, taken.Last, size, session.Id, request, fence, now, free.Watermark);
        }

        bestFrom = _remainder?.Least ?? bestFrom;
        _remainder = taken.Last < free.Last ? new Remainder(arena.Id, free with { Start = taken.Last + 1 }, bestFrom) : null;
        return taken;
    }
}
