using System.Diagnostics.Metrics;

namespace Vmem;

/// <summary>The arenas that are measured. It keeps none of them alive.</summary>
/// <remarks>
/// A disposed arena leaves at once. One that was dropped without being disposed leaves at the next collection of metrics, or when the list
/// is swept: that happens whenever the list has doubled since the last time, so that a million short-lived arenas cost a few steps each and
/// never fill it.
/// </remarks>
internal sealed class ArenaRegistry
{
    /// <summary>Below this many a sweep is not worth it. Arbitrary.</summary>
    private const int SweptFrom = 64;

    private readonly Lock _lock = new();
    private readonly List<MeteredArena> _arenas = [];
    private readonly HashSet<(string Name, int Instance)> _identities = [];
    private int _sweepAt = SweptFrom;

    /// <summary>Arenas in the list, dropped ones included.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _arenas.Count;
            }
        }
    }

    /// <summary>Begins to measure an arena.</summary>
    public MeteredArena Add(IMetered arena)
    {
        var entry = new MeteredArena(arena);
        lock (_lock)
        {
            if (_arenas.Count >= _sweepAt)
            {
                Sweep();
            }

            entry.Place = _arenas.Count;
            _arenas.Add(entry);
        }

        return entry;
    }

    /// <summary>Ends it. Idempotent.</summary>
    public void Remove(MeteredArena entry)
    {
        lock (_lock)
        {
            if (IsListed(entry))
            {
                RemoveAt(entry.Place);
            }
        }
    }

    /// <summary>Copies the list, so that arenas may come and go during a collection without one being left out or measured
    /// twice.</summary>
    public int CopyTo(ref MeteredArena?[] entries)
    {
        lock (_lock)
        {
            if (entries.Length < _arenas.Count)
            {
                entries = new MeteredArena?[Math.Max(_arenas.Count, 2 * entries.Length)];
            }

            _arenas.CopyTo(entries!);
            return _arenas.Count;
        }
    }

    /// <summary>Measures one figure of an arena; false if it is gone. The arena is asked without the registry's lock: it may have to stop
    /// its caches, and others want to make arenas meanwhile.</summary>
    public bool TryMeasure(MeteredArena entry, ArenaFigure figure, out Measurement<long> measurement)
    {
        measurement = default;
        IMetered? arena;
        lock (_lock)
        {
            if (!IsListed(entry))
            {
                return false;
            }

            if (!entry.TryGetArena(out arena))
            {
                RemoveAt(entry.Place);
                return false;
            }
        }

        if (!arena.TryRead(figure, out long value))
        {
            return false;
        }

        lock (_lock)
        {
            bool listed = IsListed(entry);
            measurement = listed ? entry.Note(arena.Name, figure, value, _identities) : default;
            return listed;
        }
    }

    private bool IsListed(MeteredArena entry) => entry.Place < _arenas.Count && ReferenceEquals(_arenas[entry.Place], entry);

    private void Sweep()
    {
        for (int place = _arenas.Count; place-- > 0;)
        {
            if (!_arenas[place].IsAlive)
            {
                RemoveAt(place);
            }
        }

        _sweepAt = Math.Max(SweptFrom, 2 * _arenas.Count);
    }

    private void RemoveAt(int place)
    {
        MeteredArena entry = _arenas[place];
        MeteredArena last = _arenas[^1];
        _arenas[place] = last;
        last.Place = place;
        _arenas.RemoveAt(_arenas.Count - 1);
        entry.Release();
        if (entry.Identity is { } identity)
        {
            _ = _identities.Remove(identity);
        }
    }
}
