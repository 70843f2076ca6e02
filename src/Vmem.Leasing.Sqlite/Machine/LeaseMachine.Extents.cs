using Vmem.Leasing.Sqlite.Sql;

namespace Vmem.Leasing.Sqlite.Machine;

// What happens to extents that were granted.
internal sealed partial class LeaseMachine
{
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
        WriteRemainder();
        using Rows rows = database.Query(
            $"SELECT {ExtentRow.Columns}, state FROM extent WHERE arena = ?1 AND start <= ?2 ORDER BY start DESC LIMIT 1", arena, value);
        return rows.Next() && rows.Number(6) == 0 ? ExtentRow.Read(rows) : null;
    }

    private ExtentRow? FreeAt(int arena, UInt128 start)
    {
        WriteRemainder();
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
