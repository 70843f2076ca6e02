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
            T? atHand = Lowest(seek);
            if (atHand == first || _isClosed)
            {
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

    /// <summary>The lowest place that is leased for a seek, and lies ready from now on; null: none is.</summary>
    public T? AtHand(SpanSeek<T> seek)
    {
        using (_lock.EnterScope())
        {
            return Lowest(seek);
        }
    }

    /// <summary>The store can say no more of a seek: the answer is what lies ready.</summary>
    public void Answer(SpanSeek<T> seek) => seek.TrySetResult(AtHand(seek));

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

    /// <summary>The lowest place that is leased for a seek. If it is in a span that is about to go back, that stays.</summary>
    private T? Lowest(SpanSeek<T> seek)
    {
        T? lowest = null;
        LeasedSpan<T>? best = null;
        foreach (LeasedSpan<T> span in _ready.Concat(_returned))
        {
            if (span.TryPlace(seek.Wanted, out T place) && (lowest is not { } other || place < other))
            {
                (lowest, best) = (place, span);
            }
        }

        if (best is not null && _returned.Contains(best))
        {
            _ready.Add(best);
            _returned.Remove(best);
        }

        return lowest;
    }
}
