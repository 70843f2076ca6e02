using System.Diagnostics;
using System.Numerics;

namespace Vmem;

/// <summary>What a plan for defragmenting may cost, and what it is to reach.</summary>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("{MaxMoves} moves, {MaxSize} in all, for {Wanted}")]
public sealed record DefragmentationBudget<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>How many moves at most.</summary>
    public int MaxMoves { get; init; } = int.MaxValue;

    /// <summary>How many units at most are moved, all moves together: the bytes that are copied.</summary>
    public T MaxSize { get; init; } = T.MaxValue;

    /// <summary>The free range that is wanted: the plan clears the place for it that costs least. If what lies there fits nowhere else, the
    /// next seven are tried. The plan is empty if none of the eight can be cleared within the budget, or if the range fits already. 0:
    /// nothing in particular; what lies highest is moved to the lowest holes.</summary>
    public T Wanted { get; init; }

    /// <summary>Where the wanted range may lie.</summary>
    public RangeConstraints<T> WantedConstraints { get; init; }

    /// <summary>Which ranges must stay where they are. Null: none must. Called at most once for each range,
    /// under no lock.</summary>
    public Func<Segment<T>, bool>? IsPinned { get; init; }

    /// <summary>What the new place of a range must satisfy: an arena does not keep what a range was asked for with. Null: nothing. Called
    /// under no lock, for each range whose move is considered.</summary>
    public Func<Segment<T>, RangeConstraints<T>>? ConstraintsOf { get; init; }
}
