using Vmem.Leasing.Sqlite.Sql;

namespace Vmem.Leasing.Sqlite.Machine;

// What happens to extents.
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

        ExtentRow taken = Take(arena, extent, start, size, session, ++arena.Fence, request.Id, now);
        Note(now, LeaseEvent.Grant, arena.Id, taken, session.Instance);
        return new LeaseAnswer(LeaseVerdict.Granted,
            new LeaseClaim(arena.Id, session.Instance, taken.Start, taken.Size, taken.Fence, request.Id), taken.Watermark);
    }

    public bool Release(LeaseClaim claim, bool clean, long? watermark)
    {
        _ = ArenaOf(claim.Arena);
        if (HeldAs(claim) is not { } extent)
        {
            return false;
        }

        long? left = clean ? watermark : watermark ?? SessionOf(claim.Session)!.LeftIn(extent);
        Release(claim.Arena, extent, claim.Session, clean, left, Now);
        return true;
    }

    public bool Mark(LeaseClaim claim, long watermark)
    {
        _ = ArenaOf(claim.Arena);
        if (HeldAs(claim) is not { } extent)
        {
            return false;
        }

        database.Do("UPDATE extent SET watermark = ?3, marked = 1 WHERE arena = ?1 AND start = ?2",
            claim.Arena, extent.Start, Math.Max(extent.Watermark ?? watermark, watermark));
        return true;
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

    /// <summary>Cuts [start, start + size) out of a free extent and leases it.</summary>
    private ExtentRow Take(ArenaRow arena, in ExtentRow free, UInt128 start, UInt128 size, SessionRow session, long fence, Guid request,
        long now)
    {
        if (session.Quarantine < arena.Quarantine)
        {
            session.Quarantine = arena.Quarantine;
            database.Do("UPDATE session SET quarantine = ?2 WHERE id = ?1", session.Id, session.Quarantine);
        }

        ExtentRow taken = new(start, start + size - 1, fence, now, free.Watermark);
        if (start == free.Start)
        {
            database.Do(
                "UPDATE extent SET last = ?3, size = ?4, state = 1, session = ?5, request = ?6, fence = ?7, since = ?8, marked = 0 WHERE arena = ?1 AND start = ?2",
                arena.Id, start, taken.Last, size, session.Id, request, fence, now);
        }
        else
        {
            database.Do("UPDATE extent SET last = ?3, size = ?4 WHERE arena = ?1 AND start = ?2",
                arena.Id, free.Start, start - 1, start - free.Start);
            database.Do(
                "INSERT INTO extent (arena, start, last, size, state, session, request, fence, since, watermark) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?8, ?9)",
                arena.Id, start, taken.Last, size, session.Id, request, fence, now, free.Watermark);
        }

        if (taken.Last < free.Last)
        {
            Insert(arena.Id, free with { Start = taken.Last + 1 });
        }

        return taken;
    }

    /// <summary>Adds a free extent.</summary>
    private void Insert(int arena, in ExtentRow free) => database.Do(
        "INSERT INTO extent (arena, start, last, size, state, fence, since, watermark) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7)",
        arena, free.Start, free.Last, free.Size, free.Fence, free.Since, free.Watermark);

    private void Release(int arena, in ExtentRow extent, Guid session, bool clean, long? watermark, long now)
    {
        ExtentRow left = extent with { Watermark = Larger(extent.Watermark, watermark) };
        Note(now, LeaseEvent.Release, arena, left, session, clean ? "clean" : "quarantined");
        if (clean)
        {
            Free(arena, left, now);
            return;
        }

        database.Do(
            "UPDATE extent SET state = 2, session = NULL, request = NULL, marked = 0, since = ?3, watermark = ?4 WHERE arena = ?1 AND start = ?2",
            arena, left.Start, now, left.Watermark);
    }

    /// <summary>A leased or quarantined extent becomes free, and one with free neighbours. The larger fence and watermark win
    /// (R10).</summary>
    private UInt128 Free(int arena, in ExtentRow extent, long now)
    {
        Note(now, LeaseEvent.Free, arena, extent);
        ExtentRow joined = extent with { Since = now };
        if (FreeAt(arena, extent.Last + 1) is { } upper)
        {
            database.Do("DELETE FROM extent WHERE arena = ?1 AND start = ?2", arena, upper.Start);
            joined = Join(joined, upper) with { Last = upper.Last };
        }

        if (extent.Start > 0 && FreeAround(arena, extent.Start - 1) is { } lower)
        {
            database.Do("DELETE FROM extent WHERE arena = ?1 AND start = ?2", arena, extent.Start);
            joined = Join(joined, lower) with { Start = lower.Start };
        }

        database.Do(
            "UPDATE extent SET last = ?3, size = ?4, state = 0, session = NULL, request = NULL, marked = 0, fence = ?5, since = ?6, watermark = ?7 WHERE arena = ?1 AND start = ?2",
            arena, joined.Start, joined.Last, joined.Size, joined.Fence, joined.Since, joined.Watermark);
        return extent.Size;
    }

    private static ExtentRow Join(in ExtentRow one, in ExtentRow other) => one with
    {
        Fence = Math.Max(one.Fence, other.Fence),
        Since = Math.Max(one.Since, other.Since),
        Watermark = Larger(one.Watermark, other.Watermark),
    };

    private static long? Larger(long? one, long? other) => one is { } a && other is { } b ? Math.Max(a, b) : one ?? other;

    /// <summary>The free extent that holds a value; null if it is not free.</summary>
    private ExtentRow? FreeAround(int arena, UInt128 value)
    {
        using Rows rows = database.Query(
            $"SELECT {ExtentRow.Columns}, state FROM extent WHERE arena = ?1 AND start <= ?2 ORDER BY start DESC LIMIT 1", arena, value);
        return rows.Next() && rows.Number(6) == 0 ? ExtentRow.Read(rows) : null;
    }

    private ExtentRow? FreeAt(int arena, UInt128 start)
    {
        using Rows rows = database.Query(
            $"SELECT {ExtentRow.Columns} FROM extent WHERE arena = ?1 AND start = ?2 AND state = 0", arena, start);
        return rows.Next() ? ExtentRow.Read(rows) : null;
    }

    private ExtentRow? HeldAs(LeaseClaim claim)
    {
        if (SessionOf(claim.Session) is not { } session)
        {
            return null;
        }

        using Rows rows = database.Query(
            $"SELECT {ExtentRow.Columns} FROM extent WHERE arena = ?1 AND start = ?2 AND size = ?3 AND fence = ?4 AND session = ?5 AND state = 1",
            claim.Arena, claim.Start, claim.Size, claim.Fence, session.Id);
        return rows.Next() ? ExtentRow.Read(rows) : null;
    }
}
