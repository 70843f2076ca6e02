namespace Vmem.Leasing.Arenas;

// Who must know whether a place is free waits for the store's word: the filler asks it.
internal sealed partial class SpanStock<T>
{
    private readonly Queue<SpanSeek<T>> _seeks = [];
    private bool _isClosed;

    public async ValueTask<T?> SeekAsync(T size, T first, T last, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var seek = new SpanSeek<T>(size, first, last, Quantum);
        using (_lock.EnterScope())
        {
            T? atHand = Lowest(seek, out LeasedSpan<T>? span);
            if (atHand == first || _isClosed || !seek.IsPossible || size > Room)
            {
                Keep(span);
                return atHand;
            }

            _seeks.Enqueue(seek);
        }

        wake();
        await using CancellationTokenRegistration end = cancellationToken.UnsafeRegister(
            static (state, token) => ((SpanSeek<T>)state!).TrySetCanceled(token), seek);
        return await seek.Task.ConfigureAwait(false);
    }

    /// <summary>The next who waits for the store's word; null: nobody does. It stays the next until <see cref="Answer"/>.</summary>
    public SpanSeek<T>? NextSeek()
    {
        using (_lock.EnterScope())
        {
            while (_seeks.TryPeek(out SpanSeek<T>? next))
            {
                if (!next.Task.IsCompleted)
                {
                    return next;
                }

                _seeks.Dequeue();                              // it was cancelled
            }

            return null;
        }
    }

    /// <summary>The lowest place that is leased for a seek; null: none is.</summary>
    public T? AtHand(SpanSeek<T> seek)
    {
        using (_lock.EnterScope())
        {
            return Lowest(seek, out _);
        }
    }

    /// <summary>The store can say no more of a seek: the answer is the lowest place that is leased, which lies ready from now on. What was
    /// leased for it and is not the answer goes back.</summary>
    public void Answer(SpanSeek<T> seek)
    {
        bool isSurplus;
        using (_lock.EnterScope())
        {
            if (seek.Task.IsCompletedSuccessfully)
            {
                return;                            // its span is the caller's to import
            }

            T? place = Lowest(seek, out LeasedSpan<T>? span);
            span = seek.TrySetResult(place) ? span : null;
            Keep(span);
            isSurplus = seek.Leased is { } leased && leased != span && _ready.Count > target && _ready.Remove(leased);
            if (isSurplus)
            {
                _returned.Add(seek.Leased!);
            }
        }

        if (isSurplus)
        {
            wake();
        }
    }

    /// <summary>The store failed. Who has waited for another try of it gets what lies ready: a place that is free counts more than the
    /// lowest one.</summary>
    public void AnswerTried()
    {
        SpanSeek<T>[] tried;
        using (_lock.EnterScope())
        {
            tried = [.. _seeks.Where(static seek => ++seek.Faults > 1)];
        }

        Array.ForEach(tried, Answer);                          // they leave the queue when they are next
    }

    /// <summary>Answers all seeks by what lies ready.</summary>
    /// <param name="forEver">And all that come later.</param>
    public void AnswerAll(bool forEver)
    {
        SpanSeek<T>[] seeks;
        using (_lock.EnterScope())
        {
            seeks = [.. _seeks];
            _seeks.Clear();
            _isClosed |= forEver;
        }

        Array.ForEach(seeks, Answer);
    }

    /// <summary>The lowest place that is leased for a seek, and the span that it is in.</summary>
    private T? Lowest(SpanSeek<T> seek, out LeasedSpan<T>? best)
    {
        T? lowest = null;
        best = null;
        T room = Room;
        foreach (LeasedSpan<T> span in _ready.Concat(_returned).Where(span => span.Size <= room))
        {
            if (span.TryPlace(seek.Wanted, out T place) && (lowest is not { } other || place < other))
            {
                (lowest, best) = (place, span);
            }
        }

        return lowest;
    }

    /// <summary>A span that is about to go back lies ready instead.</summary>
    private void Keep(LeasedSpan<T>? span)
    {
        if (span is not null && _returned.Remove(span))
        {
            _ready.Add(span);
        }
    }
}
