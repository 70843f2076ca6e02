using System.Numerics;
using Vmem.Checks;
using Vmem.Ranges;

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
/// <param name="grid">Where spans lie.</param>
/// <param name="target">How many spans lie ready.</param>
/// <param name="limit">How much the arena may have; 0: there is no limit. It would put back a span beyond that, and wait.</param>
/// <param name="wake">Wakes the filler; called under no lock.</param>
/// <param name="call">Calls a listener, and reports what it throws.</param>
internal sealed partial class SpanStock<T>(SpanGrid grid, int target, T limit, Action wake, Action<Action> call)
    : INotifyingArenaSource<T>, ISeekingArenaSource<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    // A call for more than that keeps others from the store for long. Arbitrary.
    private const int MostAtOnce = 16;

    private readonly Gate _lock = new();
    private readonly List<LeasedSpan<T>> _ready = [];
    private readonly List<LeasedSpan<T>> _returned = [];
    private LeasedSpan<T>? _reserved;
    private LeasedSpan<T>[] _inUse = [];
    private SpanNeed<T>? _need;
    private SpanNeed<T>? _exactNeed;
    private int _expected;

    public T Quantum { get; } = T.CreateChecked(grid.Quantum);

    /// <summary>The spans that the arena has.</summary>
    public IReadOnlyList<LeasedSpan<T>> InUse => Volatile.Read(ref _inUse);

    /// <summary>How much more the arena may have, in whole quanta.</summary>
    public T Room
    {
        get
        {
            if (T.IsZero(limit))
            {
                return T.MaxValue;
            }

            T has = InUse.Aggregate(T.Zero, static (sum, span) => sum + span.Size);
            return has < limit ? limit - has - (limit - has) % Quantum : T.Zero;
        }
    }

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

    /// <summary>How many spans are about to come from elsewhere: none is leased in their place.</summary>
    public void Expect(int spans)
    {
        Volatile.Write(ref _expected, spans);
        wake();
    }

    public bool TryImport(T size, in RangeConstraints<T> constraints, out T start, out T imported)
    {
        LeasedSpan<T>? span = null;
        Placement<T> wanted = new(size, constraints, Quantum);
        bool isShort;
        using (_lock.EnterScope())
        {
            if (_reserved is { } reserved && reserved.Size == size
                && constraints.Min == reserved.Start && constraints.Max == reserved.Start + reserved.Size)
            {
                span = reserved;
                _reserved = null;
            }

            // One that is about to go back is as good as one that lies ready.
            T room = span is null ? Room : T.Zero;
            span ??= Take(_ready, wanted, room) ?? Take(_returned, wanted, room);
            Volatile.Write(ref _inUse, span is null ? _inUse : Insert(_inUse, span));
            if (span is not null || UInt128.CreateChecked(size) <= grid.End - grid.Start)
            {
                // More than there is in all is no need: the store would refuse the call, and nobody else would get anything.
                Note(span is null ? new SpanNeed<T>(size, constraints).Simplify(grid) : null);
            }

            isShort = span is null || _ready.Count < target;
        }

        (start, imported) = span is null ? (T.Zero, T.Zero) : (span.Start, span.Size);
        if (isShort)
        {
            wake();
        }

        return span is not null;
    }

    /// <summary>The next import of exactly this span gets it, and no other. Null: none any more.</summary>
    public void Reserve(LeasedSpan<T>? span)
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
    /// <param name="isExactHopeless">The store has nothing for a need with constraints.</param>
    /// <param name="room">How much more the arena may have. What it could not take is not leased: it would lie here for nobody.</param>
    /// <param name="isUrgent">Somebody may be waiting.</param>
    public List<SpanNeed<T>> Missing(bool isExactHopeless, T room, out bool isUrgent)
    {
        List<SpanNeed<T>> missing = [];
        var span = T.CreateChecked(grid.SpanSize);
        using (_lock.EnterScope())
        {
            SpanNeed<T>? exact = isExactHopeless || _exactNeed is { } wanted && wanted.Size > room ? null : _exactNeed;
            SpanNeed<T>? urgent = exact ?? _need;              // one that the arena could not take keeps no smaller one waiting
            isUrgent = urgent is not null;
            T left = _ready.Aggregate(room, static (left, ready) => left - T.Min(left, ready.Size));
            if (urgent is { } need && need.Size <= room)
            {
                missing.Add(need);
                left -= T.Min(left, T.Max(need.Size, span));
            }

            // What comes for the need is taken at once: the stock is filled besides.
            int fills = urgent is { IsConstrained: true } ? 0
                : Math.Min(target - _ready.Count - Volatile.Read(ref _expected), MostAtOnce - missing.Count);
            for (; fills > 0 && span <= left; fills--, left -= span)
            {
                missing.Add(new SpanNeed<T>(span, default));
            }
        }

        return missing;
    }

    /// <summary>A span has come. Whoever adds it has it told to those who wait (<see cref="Notify"/>).</summary>
    /// <param name="span">The span.</param>
    /// <param name="seek">Whose request it was; null: it is for a need, or for the stock. If the seek has ended meanwhile, a span too many
    /// goes back.</param>
    public void Add(LeasedSpan<T> span, SpanSeek<T>? seek)
    {
        using (_lock.EnterScope())
        {
            bool isSurplus = seek is { Task.IsCompleted: true } && _ready.Count >= target;
            (isSurplus ? _returned : _ready).Add(span);
            seek?.Leased = span;
            Note(null);
        }
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

    /// <summary>Takes the first span that has a place for a request, and that the arena has room for, out of a list. Whoever asks looks for
    /// the place once more, so the span may be longer than the constraints allow the range to be.</summary>
    private static LeasedSpan<T>? Take(List<LeasedSpan<T>> spans, in Placement<T> wanted, T room)
    {
        for (int i = 0; i < spans.Count; i++)
        {
            if (spans[i].Size <= room && spans[i].TryPlace(wanted, out _))
            {
                LeasedSpan<T> span = spans[i];
                spans.RemoveAt(i);
                return span;
            }
        }

        return null;
    }

    private static LeasedSpan<T>[] Insert(LeasedSpan<T>[] spans, LeasedSpan<T> span)
    {
        int place = Array.FindIndex(spans, other => other.Start > span.Start);
        place = place < 0 ? spans.Length : place;
        return [.. spans.AsSpan(0, place), span, .. spans.AsSpan(place)];
    }
}
