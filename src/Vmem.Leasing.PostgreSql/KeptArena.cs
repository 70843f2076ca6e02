namespace Vmem.Leasing.PostgreSql;

/// <summary>An arena, and how its values are kept: as they are, or, if a <c>bigint</c> does not hold them, in quanta from its
/// start.</summary>
/// <remarks>Rejected: <c>numrange</c>, which holds all values. Its index takes 1.8 times as long, and there would be each table and
/// function twice. Nobody leases more than 2^63 quanta.</remarks>
/// <param name="Arena">The arena.</param>
/// <param name="Base">The value of the kept number 0.</param>
/// <param name="Unit">How many values a kept number stands for.</param>
internal sealed record KeptArena(LeaseArena Arena, UInt128 Base, UInt128 Unit)
{
    // Sums of two numbers up to this are a bigint.
    private const long MostAlign = 1L << 62;

    public LockTraffic Traffic { get; } = new();

    /// <summary>As far from the base as anything is kept.</summary>
    private UInt128 Last => UInt128.Min(UInt128.MaxValue / Unit, long.MaxValue) * Unit;

    /// <summary>How a definition is kept.</summary>
    /// <exception cref="LeaseDefinitionException">It has too many quanta.</exception>
    public static (UInt128 Base, UInt128 Unit) LayOut(string name, LeaseDefinition definition)
    {
        if (definition.Start + definition.Size <= long.MaxValue)
        {
            return (0, 1);
        }

        return definition.Size / definition.Quantum < long.MaxValue
            ? (definition.Start, definition.Quantum)
            : throw new LeaseDefinitionException(
                $"PostgreSQL keeps leases of fewer than {long.MaxValue} quanta, and arena '{name}' is to be {definition}: use a larger quantum or a smaller part of the type.");
    }

    public UInt128 Value(long kept) => Base + (UInt128)kept * Unit;

    public UInt128 Length(long kept) => (UInt128)kept * Unit;

    /// <summary>A range in kept numbers; an empty one before all others, if the arena can have no such range.</summary>
    public (long Start, long Size) Keep(UInt128 start, UInt128 size) =>
        start >= Base && (start - Base) % Unit == 0 && size % Unit == 0 && start - Base <= Last && size <= Last - (start - Base)
            ? ((long)((start - Base) / Unit), (long)(size / Unit))
            : (-1, 0);

    /// <summary>The kept number of the unit that a value is in. False if nothing of the arena can be there.</summary>
    public bool TryKeep(UInt128 value, out long kept)
    {
        bool isKept = value >= Base && (value - Base) / Unit <= long.MaxValue;
        kept = isKept ? (long)((value - Base) / Unit) : 0;
        return isKept;
    }

    /// <summary>Where a request may lie, in kept numbers. False if it can lie nowhere.</summary>
    public bool TryKeep(LeaseRequest request, out KeptRequest kept)
    {
        UInt128 beyond = request.Align == 0 ? 0 : Base % request.Align;
        UInt128 phase = request.Phase >= beyond ? request.Phase - beyond : request.Align - (beyond - request.Phase);
        UInt128 min = request.Min <= Base ? 0 : (request.Min - Base - 1) / Unit + 1;
        UInt128 max = request.Max == 0 ? long.MaxValue : request.Max <= Base ? 0 : (request.Max - Base) / Unit;
        (UInt128 align, phase) = (request.Align / Unit, phase / Unit);
        long size = (long)(request.Size / Unit);
        if (align > MostAlign)
        {
            // There is one such place, or two. The first in the window is tried.
            min = min <= phase ? phase : align <= long.MaxValue ? phase + align : long.MaxValue;
            max = UInt128.Min(max, min + (UInt128)size);
            (align, phase) = (0, 0);
        }

        max = UInt128.Min(max, long.MaxValue);
        kept = new KeptRequest(size, (long)(request.MinSize / Unit), (long)align, (long)UInt128.Min(phase, long.MaxValue),
            (long)UInt128.Min(min, long.MaxValue), request.Max == 0 && max == long.MaxValue ? 0 : (long)max);
        return min < max && max - min >= (UInt128)size;
    }
}

/// <summary>A request in kept numbers.</summary>
internal readonly record struct KeptRequest(long Size, long MinSize, long Align, long Phase, long Min, long Max);
