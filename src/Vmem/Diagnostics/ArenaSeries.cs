using System.Collections;
using System.Diagnostics.Metrics;

namespace Vmem;

/// <summary>One figure of every arena, as an instrument's measurements.</summary>
/// <remarks>It is its own enumerator, and serves one collection at a time; one that begins meanwhile gets another. An iterator method would
/// allocate at each collection.</remarks>
internal sealed class ArenaSeries(ArenaRegistry arenas, ArenaFigure figure) : IEnumerable<Measurement<long>>, IEnumerator<Measurement<long>>
{
    private MeteredArena?[] _entries = [];
    private Measurement<long> _current;
    private int _count;
    private int _next;
    private int _busy;

    public Measurement<long> Current => _current;

    object IEnumerator.Current => _current;

    public IEnumerator<Measurement<long>> GetEnumerator()
    {
        ArenaSeries series = Interlocked.CompareExchange(ref _busy, 1, 0) == 0 ? this : new ArenaSeries(arenas, figure);
        series._next = 0;
        series._count = arenas.CopyTo(ref series._entries);
        return series;
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public bool MoveNext()
    {
        while (_next < _count)
        {
            if (arenas.TryMeasure(_entries[_next++]!, figure, out _current))
            {
                return true;
            }
        }

        return false;
    }

    public void Reset() => throw new NotSupportedException();

    /// <summary>Forgets the arenas, and is free for the next collection.</summary>
    public void Dispose()
    {
        Array.Clear(_entries, 0, _count);
        _count = 0;
        Volatile.Write(ref _busy, 0);
    }
}
