using System.Collections;
using System.Diagnostics.Metrics;

namespace Vmem.Diagnostics;

/// <summary>One figure of all of a kind, as an instrument's measurements.</summary>
/// <remarks>It is its own enumerator, and serves one collection at a time; one that begins meanwhile gets another. An iterator method would
/// allocate at each collection.</remarks>
internal sealed class MeteredSeries(MeteredRegistry registry, int figure) : IEnumerable<Measurement<long>>, IEnumerator<Measurement<long>>
{
    private MeteredEntry?[] _entries = [];
    private Measurement<long> _current;
    private int _count;
    private int _next;
    private int _busy;

    public Measurement<long> Current => _current;

    object IEnumerator.Current => _current;

    public IEnumerator<Measurement<long>> GetEnumerator()
    {
        MeteredSeries series = Interlocked.CompareExchange(ref _busy, 1, 0) == 0 ? this : new MeteredSeries(registry, figure);
        series._next = 0;
        series._count = registry.CopyTo(ref series._entries);
        return series;
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public bool MoveNext()
    {
        while (_next < _count)
        {
            if (registry.TryMeasure(_entries[_next++]!, figure, out _current))
            {
                return true;
            }
        }

        return false;
    }

    public void Reset() => throw new NotSupportedException();

    /// <summary>Forgets the entries, and is free for the next collection.</summary>
    public void Dispose()
    {
        Array.Clear(_entries, 0, _count);
        _count = 0;
        Volatile.Write(ref _busy, 0);
    }
}
