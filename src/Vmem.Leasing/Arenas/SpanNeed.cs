using System.Numerics;

namespace Vmem.Leasing.Arenas;

/// <summary>What the arena last asked for in vain.</summary>
internal readonly record struct SpanNeed<T>(T Size, RangeConstraints<T> Constraints)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    public bool IsConstrained =>
        !T.IsZero(Constraints.Align | Constraints.Phase | Constraints.NoCross | Constraints.Min | Constraints.Max);

    /// <summary>What the store is asked for. A boundary that must not be crossed becomes an alignment: a start that is a multiple of it
    /// crosses nothing up to the next. That is stricter than need be, and every engine can do it.</summary>
    /// <param name="arena">The arena in the store.</param>
    /// <param name="session">The session.</param>
    /// <param name="spanSize">How much is leased at once.</param>
    public LeaseRequest ToRequest(LeaseArena arena, Guid session, UInt128 spanSize)
    {
        UInt128 quantum = arena.Definition.Quantum;
        UInt128 size = UInt128.CreateChecked(Size);
        size += (quantum - size % quantum) % quantum;
        if (!IsConstrained)
        {
            return new LeaseRequest(
                arena.Id, session, Guid.CreateVersion7(), UInt128.Max(size, UInt128.Min(spanSize, arena.Definition.Size)))
            {
                MinSize = size,
            };
        }

        UInt128 align = UInt128.CreateChecked(Constraints.Align);
        UInt128 noCross = UInt128.CreateChecked(Constraints.NoCross);
        UInt128 phase = UInt128.CreateChecked(Constraints.Phase);
        return new LeaseRequest(arena.Id, session, Guid.CreateVersion7(), size)
        {
            Align = noCross > align && phase == 0 && (align == 0 || noCross % align == 0) && noCross % quantum == 0 ? noCross : align,
            Phase = phase,
            Min = UInt128.CreateChecked(Constraints.Min),
            Max = UInt128.CreateChecked(Constraints.Max),
        };
    }
}
