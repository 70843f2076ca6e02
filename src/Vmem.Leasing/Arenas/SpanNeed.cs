using System.Numerics;

namespace Vmem.Leasing.Arenas;

/// <summary>How much of the store is asked for a need with constraints.</summary>
internal enum NeedEffort
{
    /// <summary>A span of the usual length.</summary>
    WholeSpan,

    /// <summary>Just what is needed: there is no such span.</summary>
    Least,

    /// <summary>Whatever else the arena has asked for: the store has nothing for the constraints.</summary>
    Elsewhere,
}

/// <summary>What the arena last asked for in vain.</summary>
internal readonly record struct SpanNeed<T>(T Size, RangeConstraints<T> Constraints)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    public bool IsConstrained =>
        !T.IsZero(Constraints.Align | Constraints.Phase | Constraints.NoCross | Constraints.Min | Constraints.Max);

    /// <summary>The same without what narrows nothing: a window around the whole arena, an alignment that every quantum has.</summary>
    public SpanNeed<T> Simplify(SpanGrid grid)
    {
        RangeConstraints<T> left = Constraints;
        if (UInt128.CreateChecked(left.Min) <= grid.Start && (T.IsZero(left.Max) || UInt128.CreateChecked(left.Max) >= grid.End))
        {
            left = left with { Min = T.Zero, Max = T.Zero };
        }

        if (T.IsZero(left.Phase) && !T.IsZero(left.Align) && grid.Quantum % UInt128.CreateChecked(left.Align) == 0)
        {
            left = left with { Align = T.Zero };
        }

        return this with { Constraints = left };
    }

    /// <summary>What the store is asked for. A boundary that must not be crossed becomes an alignment: a start that is a multiple of it
    /// crosses nothing up to the next. That is stricter than need be, and every engine can do it.</summary>
    /// <param name="arena">The arena in the store.</param>
    /// <param name="session">The session.</param>
    /// <param name="grid">Where spans lie.</param>
    /// <param name="effort">Whether a whole span is asked for, if there are constraints.</param>
    /// <param name="room">How long a span may be; what is needed is no longer.</param>
    public LeaseRequest ToRequest(LeaseArena arena, Guid session, SpanGrid grid, NeedEffort effort, UInt128 room)
    {
        UInt128 quantum = grid.Quantum;
        UInt128 size = UInt128.CreateChecked(Size);
        size += (quantum - size % quantum) % quantum;
        var id = Guid.CreateVersion7();
        if (!IsConstrained)
        {
            UInt128 most = UInt128.Min(UInt128.Min(grid.SpanSize, room), arena.Definition.Size);
            return new LeaseRequest(arena.Id, session, id, UInt128.Max(size, most)) { MinSize = size };
        }

        UInt128 align = UInt128.CreateChecked(Constraints.Align);
        UInt128 noCross = UInt128.CreateChecked(Constraints.NoCross);
        UInt128 phase = UInt128.CreateChecked(Constraints.Phase);
        var least = new LeaseRequest(arena.Id, session, id, size)
        {
            Align = noCross > align && phase == 0 && (align == 0 || noCross % align == 0) && noCross % quantum == 0 ? noCross : align,
            Phase = phase,
            Min = UInt128.CreateChecked(Constraints.Min),
            Max = UInt128.CreateChecked(Constraints.Max),
        };
        return effort == NeedEffort.WholeSpan ? Whole(least, grid, room) : least;
    }

    /// <summary>A span of the usual length for a request. If it has one place, that is the cell around it; else it lies in the window and
    /// begins where the request may. It is the request itself, if there is no room for the cell.</summary>
    private static LeaseRequest Whole(LeaseRequest least, SpanGrid grid, UInt128 room)
    {
        UInt128 from = UInt128.Max(least.Min, grid.Start);
        UInt128 to = least.Max == 0 ? grid.End : UInt128.Min(least.Max, grid.End);
        if (from >= to || to - from < least.Size)
        {
            return least;
        }

        if (to - from == least.Size && (least.Align == 0 || from % least.Align == least.Phase))
        {
            (from, to) = grid.Around(from, least.Size);
            return to - from > room ? least
                : new LeaseRequest(least.Arena, least.Session, least.Id, to - from) { Min = from, Max = to };
        }

        UInt128 window = (to - from) - (to - from) % grid.Quantum;
        return least with { Size = UInt128.Max(least.Size, UInt128.Min(UInt128.Min(grid.SpanSize, room), window)) };
    }
}
