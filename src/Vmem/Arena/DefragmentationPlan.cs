using System.Numerics;
using Vmem.Ranges;

namespace Vmem;

/// <summary>Finds moves that bring free ranges together: a rehearsal in a copy of the arena.</summary>
/// <remarks>
/// <para>
/// The copy has the arena's spans and live ranges. Each new place is allocated in it, by the policies and constraints that the arena itself
/// knows, and what is moved away from stays allocated until the end of the plan: so every move of a plan can be begun at once, in any
/// order, and none waits for another one's copying. Rejected: moves into what earlier moves have left. Such a plan packs closer, but a
/// renderer would have to wait for frames between any two moves; who has the time makes another plan when the first is done.
/// </para>
/// <para>
/// Two goals. <b>Together</b>: what lies highest is moved to the lowest holes, as long as a hole lies lower (so does VMA's
/// defragmentation): what is free gathers at the top. Before that, what lies in spans that drain is moved out of them, wherever there is
/// room. <b>A place</b>: the windows of the wanted size with the fewest live units in them
/// are tried, cheapest first (<see cref="WindowCosts{T}"/>): what lies in one is moved out, the largest first, by best fit.
/// </para>
/// </remarks>
internal sealed class DefragmentationPlan<T> : IDisposable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>How many windows are tried: what lies in one may not fit elsewhere. Arbitrary; each costs a copy.</summary>
    private const int MostWindows = 8;

    private readonly DefragmentationBudget<T> _budget;
    private readonly ArenaPicture<T> _picture;
    private readonly Rehearsal<T> _copy;
    private readonly List<RangeMove<T>> _moves = [];
    private T _left;                              // of the budget's units

    private DefragmentationPlan(ArenaPicture<T> picture, DefragmentationBudget<T> budget)
    {
        _budget = budget;
        _picture = picture;
        _left = budget.MaxSize;
        _copy = new Rehearsal<T>(picture);
    }

    /// <summary>The moves, in the order in which they are best done.</summary>
    /// <param name="picture">The arena.</param>
    /// <param name="budget">The goal, and what it may cost.</param>
    /// <param name="wanted">The size that is wanted and does not fit, rounded up, and where; null: none.</param>
    public static List<RangeMove<T>> Make(ArenaPicture<T> picture, DefragmentationBudget<T> budget, in Placement<T>? wanted)
    {
        if (wanted is not { } place)
        {
            using var plan = new DefragmentationPlan<T>(picture, budget);
            plan.BringTogether();
            return plan._moves;
        }

        foreach (Window<T> window in new WindowCosts<T>(picture, budget, place).Cheapest.Take(MostWindows))
        {
            using var plan = new DefragmentationPlan<T>(picture, budget);
            if (plan.TryClear(window))
            {
                return plan._moves;
            }
        }

        return [];
    }

    /// <summary>Whether a live segment can be moved at all.</summary>
    public static bool MayMove(Segment<T> segment, DefragmentationBudget<T> budget) =>
        segment.Kind == SegmentKind.Allocated && budget.IsPinned?.Invoke(segment) != true;

    public void Dispose() => _copy.Dispose();

    private void BringTogether()
    {
        foreach (Segment<T> segment in _picture.Segments.Where(_picture.Drains))
        {
            _ = _moves.Count < _budget.MaxMoves && segment.Size <= _left && MayMove(segment, _budget)
                && TryMove(segment, ConstraintsOf(segment), FitPolicy.FirstFit);
        }

        for (int i = _picture.Segments.Length - 1; i >= 0 && _moves.Count < _budget.MaxMoves; i--)
        {
            Segment<T> segment = _picture.Segments[i];
            if (segment.Size > _left || T.IsZero(segment.Start) || _picture.Drains(segment) || !MayMove(segment, _budget))
            {
                continue;
            }

            RangeConstraints<T> constraints = ConstraintsOf(segment);
            bool isBoundLower = !T.IsZero(constraints.Max) && constraints.Max < segment.Start;
            _ = TryMove(segment, isBoundLower ? constraints : constraints with { Max = segment.Start }, FitPolicy.FirstFit);
        }
    }

    /// <summary>Moves everything out of a window.</summary>
    private bool TryClear(Window<T> window)
    {
        // So that nothing is moved from one end of the window to the other, or, with a kind, beside it.
        _copy.Withhold(window.FirstOfPages, window.LastOfPages);
        foreach (Segment<T> segment in _picture.Segments.Where(window.IsInTheWay).OrderByDescending(segment => segment.Size))
        {
            if (segment.Size > _left || !TryMove(segment, ConstraintsOf(segment), FitPolicy.BestFit))
            {
                return false;
            }
        }

        return true;
    }

    private bool TryMove(Segment<T> segment, in RangeConstraints<T> constraints, FitPolicy policy)
    {
        if (!_copy.TryTake(segment.Size, constraints, policy, out T to))
        {
            return false;
        }

        _moves.Add(new RangeMove<T>(segment.Start, to, segment.Size, segment.Tag));
        _left -= segment.Size;
        return true;
    }

    private RangeConstraints<T> ConstraintsOf(Segment<T> segment) =>
        (_budget.ConstraintsOf?.Invoke(segment) ?? default) with { Kind = segment.RangeKind, Tag = 0 };
}
