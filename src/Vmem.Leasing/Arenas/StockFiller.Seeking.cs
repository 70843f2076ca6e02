namespace Vmem.Leasing.Arenas;

// What the store has at a certain place.
internal sealed partial class StockFiller<T>
{
    /// <summary>Answers the next who seeks a place. If that cannot be now, it is the next again.</summary>
    /// <returns>Whether there may be more to do.</returns>
    private async Task<bool> AnswerSeekAsync()
    {
        if (session.State == LeaseState.Lost || _isForgotten)
        {
            stock.AnswerAll(forEver: true);
        }

        if (_requests.Count > 0 || !session.IsValid || stock.NextSeek() is not { } seek
            || !await TrySettleAsync(seek).ConfigureAwait(false))
        {
            return false;
        }

        stock.Answer(seek);
        return true;
    }

    /// <summary>Leases the lowest place of a seek, if it is lower than what lies ready.</summary>
    /// <remarks>The first place is asked for without a look: mostly it is free, and one call does it. If it is not, the dead are buried,
    /// and the list of extents shows the next place. Rejected: an order of addresses in grants. It would be an index more in each engine,
    /// which all grants pay for.</remarks>
    /// <returns>False: the store grants nothing at present, so it cannot be said.</returns>
    private async Task<bool> TrySettleAsync(SpanSeek<T> seek)
    {
        bool isListed = false;
        (UInt128 from, UInt128 to) = FirstCell(seek);
        while (true)
        {
            T? atHand = stock.AtHand(seek);
            if (atHand == seek.First || seek.Task.IsCompleted)
            {
                return true;
            }

            if (isListed)
            {
                (from, to) = await FindAsync(seek, atHand).ConfigureAwait(false);
                if (from == to)
                {
                    return true;
                }
            }

            if (from != to)
            {
                _sought = seek;
                _requests.Add(new LeaseRequest(arena.Id, session.Instance, Guid.CreateVersion7(), to - from) { Min = from, Max = to });
                (bool hasCome, bool lacksRoom) = await AskAsync().ConfigureAwait(false);
                if (!lacksRoom)
                {
                    return hasCome;
                }
            }

            if (!isListed)
            {
                _ = await session.AskAsync((store, token) => store.SweepAsync(arena.Id, token), _stop.Token).ConfigureAwait(false);
                isListed = true;
            }
        }
    }

    /// <summary>The cell around the first place of a seek; empty, if that is not in the arena.</summary>
    private (UInt128 From, UInt128 To) FirstCell(SpanSeek<T> seek)
    {
        var first = UInt128.CreateChecked(seek.First);
        var size = UInt128.CreateChecked(seek.Size);
        return first >= grid.Start && first < grid.End && grid.End - first >= size && first % grid.Quantum == 0
            ? Around(first, size)
            : default;
    }

    /// <summary>The cell around a place; the place alone, if the arena has no room for the cell.</summary>
    private (UInt128 From, UInt128 To) Around(UInt128 place, UInt128 size)
    {
        (UInt128 from, UInt128 to) = grid.Around(place, size);
        return to - from <= UInt128.CreateChecked(stock.Room) ? (from, to) : (place, place + size);
    }

    /// <summary>What of the lowest free extent with a place lies in the cell around that place; empty, if there is none lower than what is
    /// at hand.</summary>
    private async Task<(UInt128 From, UInt128 To)> FindAsync(SpanSeek<T> seek, T? atHand)
    {
        IReadOnlyList<LeaseExtent> extents = await session.AskAsync((store, token) => store.ListAsync(arena.Id, token), _stop.Token)
            .ConfigureAwait(false);
        foreach (LeaseExtent extent in extents.Where(static extent => extent.State == LeaseExtentState.Free))
        {
            UInt128 end = extent.Start + extent.Size;
            if (seek.Wanted.TryLowest(T.CreateChecked(extent.Start), T.CreateChecked(end - 1), out T place))
            {
                (UInt128 from, UInt128 to) = Around(UInt128.CreateChecked(place), UInt128.CreateChecked(seek.Size));
                return atHand is { } other && other < place ? default : (UInt128.Max(from, extent.Start), UInt128.Min(to, end));
            }
        }

        return default;
    }
}
