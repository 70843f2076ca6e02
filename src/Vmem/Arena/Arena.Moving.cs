using Vmem.Ranges;
using Vmem.Space;

namespace Vmem;

// Moving live ranges to bring free ones together.
public sealed partial class Arena<T>
{
    /// <summary>Plans moves of live ranges that bring what is free together, or that clear a place for a wanted range.</summary>
    /// <param name="budget">What the plan is to reach, what it may cost, and what must stay where it is.</param>
    /// <returns>The moves. Any of them can be begun at once, and left out: none needs the place that another one leaves. Empty if nothing
    /// can be gained within the budget, or if what is wanted fits already.</returns>
    /// <exception cref="ArgumentException">What is wanted, or a range's new constraints, can never be met: see
    /// <see cref="RangeConstraints{T}"/>.</exception>
    /// <remarks>
    /// <para>
    /// Nothing is changed. Each move is carried out by <see cref="BeginMove"/>, a copy of the contents, and <see cref="CommitMove"/> when
    /// nobody uses the old place any more. A plan grows old as others allocate: a move whose place was taken meanwhile does not begin.
    /// Resting ranges and those that quantum caches keep stay where they are. Moves lead to other spans, too.
    /// </para>
    /// <para>
    /// All n segments are copied under the lock, at one moment, as for <see cref="Snapshot"/>. The plan itself is made without it:
    /// O(n log n) time, and managed memory for the copies; up to eight times that where a place is wanted and hard to clear.
    /// </para>
    /// </remarks>
    public IReadOnlyList<RangeMove<T>> PlanDefragmentation(DefragmentationBudget<T> budget)
    {
        ArgumentNullException.ThrowIfNull(budget);
        ArgumentOutOfRangeException.ThrowIfNegative(budget.MaxMoves);
        Placement<T>? wanted = null;
        if (!T.IsZero(budget.Wanted))
        {
            T size = _space.RoundUp(budget.Wanted, nameof(budget));
            Request<T>.CheckConstraints(size, budget.WantedConstraints, Quantum);
            wanted = new Placement<T>(size, budget.WantedConstraints, Quantum, _space.NoteOf(budget.WantedConstraints).Kind);
            if (Report(wanted.Value).Fits)
            {
                return [];
            }
        }

        return DefragmentationPlan<T>.Make(Picture(), budget, wanted);
    }

    private ArenaPicture<T> Picture()
    {
        _space.EndDueRestsUnheard();
        using Visit<T> visit = _space.VisitFrozen();
        return new ArenaPicture<T>(Quantum, _space.KindGranularity, _space.Map.IsWhole, [.. CopySegments()]);
    }

    /// <summary>Takes the new place of a move. The old one stays allocated: from now on both are.</summary>
    /// <param name="move">A move of a plan, or one of your own.</param>
    /// <returns>False, and nothing is changed, if the range is not there any more, or if the new place is not free or lies beside another
    /// kind.</returns>
    /// <exception cref="ArgumentException">The move is not whole quanta, its size is 0, or one of its places reaches past the top of the
    /// type.</exception>
    /// <remarks>
    /// Whoever owns the range must not free it before the move is committed or abandoned. Next come the copy of the contents and
    /// <see cref="CommitMove"/>, or <see cref="AbandonMove"/>. Costs what <see cref="TryAllocateAt"/> and <see cref="TryGetSegment"/>
    /// do; of a range with a kind, what a constrained request costs.
    /// </remarks>
    public bool BeginMove(in RangeMove<T> move)
    {
        RangeMove<T> mine = move;                 // the caller's variable may change under us
        T size = _space.RoundUp(mine.Size, nameof(move));
        _space.CheckPlace(mine.From, size);
        _space.CheckPlace(mine.To, size);
        return TryGetSegment(mine.From, out Segment<T> segment)
            && segment.Kind == SegmentKind.Allocated && segment.Start == mine.From && segment.Size == size
            && TryMeet(AskAt(mine.To, size, _space.NoteOf(segment.Tag, segment.RangeKind)), out _);
    }

    /// <summary>Ends a move that was begun: frees the old place. The range is at its new place now, and is freed there by its
    /// address.</summary>
    /// <param name="move">The move.</param>
    /// <exception cref="InvalidFreeException">The range is not at its old place any more.</exception>
    /// <remarks>Costs what <see cref="Free(T, T)"/> does, and rests as that does. Where others may still read the old place, as a card does
    /// for some frames, free it with <see cref="FreeAt(T, T, ulong)"/> instead.</remarks>
    public void CommitMove(in RangeMove<T> move) => FreeWhoever(move.From, move.Size);

    /// <summary>Gives up a move that was begun: frees the new place. The range stays where it was.</summary>
    /// <param name="move">The move.</param>
    /// <exception cref="InvalidFreeException">The move was not begun, or is not under way any more.</exception>
    /// <remarks>Costs what <see cref="Free(T, T)"/> does. Nothing rests: nobody has used the place.</remarks>
    public void AbandonMove(in RangeMove<T> move)
    {
        if (_caches is null)
        {
            _space.TakeBack(move.To, _space.RoundUp(move.Size, nameof(move)));
        }
        else
        {
            Free(move.To, move.Size);
        }
    }
}
