using System.Numerics;
using Vmem.Checks;

namespace Vmem.Leasing.Arenas;

/// <summary>The source of a leased arena: spans that are leased already. It never asks anybody.</summary>
/// <remarks>
/// <para>
/// An arena calls its source in the thread that allocates or frees, so a source must not wait for a network. This one takes from its stock,
/// or refuses, notes what was wanted, and has the filler (<see cref="StockFiller{T}"/>) woken. When a span has come, it tells the arena,
/// where those who wait are tried again.
/// </para>
/// <para>
/// The spans that the arena has are an array in order of address, which is copied when one comes or goes. So a reader takes no lock: each
/// allocation looks its fence up here, and spans come a thousand times less often.
/// </para>
/// </remarks>
/// <param name="quantum">The unit of leases.</param>
/// <param name="target">How many spans lie ready.</param>
/// <param name="wake">Wakes the filler; called under no lock.</param>
internal sealed class SpanStock<T>(T quantum, int target, Action wake) : INotifyingArenaSource<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    // A call for more than that keeps others from the store for long. Arbitrary.
    private const int MostAtOnce = 16;

    private readonly Gate _lock = new();
    private readonly List<LeasedSpan<T>> _ready = [];
    private readonly List<LeasedSpan<T>> _returned = [];
    private LeasedSpan<T>? _reserved;
    private readonly List<Action> _listeners = [];
    private LeasedSpan<T>[] _inUse = [];
    private SpanNeed<T>? _need;
    private SpanNeed<T>? _exactNeed;

    public T Quantum { get; } = quantum;

    /// <summary>The spans that the arena has.</summary>
    public IReadOnlyList<LeasedSpan<T>> InUse => Volatile.Read(ref _inUse);

    public int Ready
    {
        get
        {
            using (_lock.EnterScope())
            {
                return _ready.Count;
            }
        }
    }

    public bool TryImport(T size, in RangeConstraints<T> constraints, out T start, out T imported)
    {
        LeasedSpan<T>? span = null;
        bool isShort;
        using (_lock.EnterScope())
        {
            if (_reserved is { } reserved && reserved.Size == size
                && constraints.Min == reserved.Start && constraints.Max == reserved.Start + reserved.Size)
            {
                span = reserved;
                _reserved = null;
                Volatile.Write(ref _inUse, Insert(_inUse, span));
            }

            for (int i = 0; i < _ready.Count && span is null; i++)
            {
                if (_ready[i].Serves(size, constraints))
                {
                    span = _ready[i];
                    _ready.RemoveAt(i);
                    Volatile.Write(ref _inUse, Insert(_inUse, span));
                }
            }

            Note(span is null ? new SpanNeed<T>(size, constraints) : null);
            isShort = span is null || _ready.Count < target;
        }

        (start, imported) = span is null ? (T.Zero, T.Zero) : (span.Start, span.Size);
        if (isShort)
        {
            wake();
        }

        return span is not null;
    }

    /// <summary>The next import of exactly this span gets it, and no other.</summary>
    public void Reserve(LeasedSpan<T> span)
    {
        using (_lock.EnterScope())
        {
            _reserved = span;
        }
    }

    /// <summary>The arena has no use for a span. It lies ready again, or goes back to the store.</summary>
    public void Release(T start, T size)
    {
        using (_lock.EnterScope())
        {
            if (Find(start) is not { } span)
            {
                return;                                        // lost, and taken out
            }

            Volatile.Write(ref _inUse, [.. _inUse.Where(other => other != span)]);
            (_ready.Count < target ? _ready : _returned).Add(span);
        }

        wake();
    }

    public void Subscribe(Action mayHaveRoom)
    {
        using (_lock.EnterScope())
        {
            _listeners.Add(mayHaveRoom);
        }
    }

    public void Unsubscribe(Action mayHaveRoom)
    {
        using (_lock.EnterScope())
        {
            _listeners.Remove(mayHaveRoom);
        }
    }

    /// <summary>The span in use that holds a value; null if there is none.</summary>
    public LeasedSpan<T>? Find(T value)
    {
        LeasedSpan<T>[] spans = Volatile.Read(ref _inUse);
        int low = 0;
        int high = spans.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (spans[middle].Start <= value)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low > 0 && spans[low - 1].Contains(value) ? spans[low - 1] : null;
    }

    /// <summary>What has to be asked for; empty: enough lies ready. What is urgent comes first. A need is told again until a span has come
    /// for it.</summary>
    /// <param name="spanSize">How much is leased at once.</param>
    /// <param name="isExactHopeless">The store has nothing for a need with constraints.</param>
    /// <param name="isUrgent">Somebody may be waiting.</param>
    public List<SpanNeed<T>> Missing(T spanSize, bool isExactHopeless, out bool isUrgent)
    {
        List<SpanNeed<T>> missing = [];
        using (_lock.EnterScope())
        {
            SpanNeed<T>? urgent = (isExactHopeless ? null : _exactNeed) ?? _need;
            isUrgent = urgent is not null;
            if (urgent is { } need)
            {
                missing.Add(need);
            }

            // What comes for the need is taken at once: the stock is filled besides.
            int fills = urgent is { IsConstrained: true } ? 0 : Math.Min(target - _ready.Count, MostAtOnce - missing.Count);
            missing.AddRange(Enumerable.Repeat(new SpanNeed<T>(spanSize, default), Math.Max(0, fills)));
        }

        return missing;
    }

    /// <summary>A span has come. Those who wait are told.</summary>
    public void Add(LeasedSpan<T> span)
    {
        using (_lock.EnterScope())
        {
            _ready.Add(span);
            Note(null);
        }

        Notify();
    }

    /// <summary>Tells those who wait in the arena to try again.</summary>
    public void Notify()
    {
        Action[] listeners;
        using (_lock.EnterScope())
        {
            listeners = [.. _listeners];
        }

        Array.ForEach(listeners, static listener => listener());
    }

    /// <summary>The spans that go back to the store; with those that lie ready, if all are to go.</summary>
    public IReadOnlyList<LeasedSpan<T>> TakeReturned(bool all)
    {
        using (_lock.EnterScope())
        {
            LeasedSpan<T>[] spans = all ? [.. _returned, .. _ready] : [.. _returned];
            _returned.Clear();
            if (all)
            {
                _ready.Clear();
            }

            return spans;
        }
    }

    /// <summary>The lease of a span is gone.</summary>
    /// <returns>The span, if the arena has it.</returns>
    public LeasedSpan<T>? Lose(long fence)
    {
        using (_lock.EnterScope())
        {
            _ready.RemoveAll(span => span.Fence == fence);
            _returned.RemoveAll(span => span.Fence == fence);
            LeasedSpan<T>? span = Array.Find(_inUse, span => span.Fence == fence);
            if (span is not null)
            {
                span.IsLost = true;
                Volatile.Write(ref _inUse, [.. _inUse.Where(other => other != span)]);
            }

            return span;
        }
    }

    /// <summary>An arena asks for the exact place first, then for so much that the request fits wherever it lies. The second is the dearer
    /// one, and only tried if there is nothing for the first.</summary>
    private void Note(SpanNeed<T>? need)
    {
        if (need is { IsConstrained: true })
        {
            _exactNeed = need;
        }
        else
        {
            _need = need;
            _exactNeed = need is null ? null : _exactNeed;
        }
    }

    private static LeasedSpan<T>[] Insert(LeasedSpan<T>[] spans, LeasedSpan<T> span)
    {
        int place = Array.FindIndex(spans, other => other.Start > span.Start);
        place = place < 0 ? spans.Length : place;
        return [.. spans.AsSpan(0, place), span, .. spans.AsSpan(place)];
    }
}
