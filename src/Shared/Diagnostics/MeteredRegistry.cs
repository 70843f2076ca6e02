using System.Diagnostics.Metrics;

namespace Vmem.Diagnostics;

/// <summary>All of one kind that is measured: the arenas, the heaps, or the pools. It keeps none of them alive.</summary>
/// <remarks>
/// What is disposed of leaves at once. One that was dropped without being disposed leaves at the next collection of metrics, or when the list
/// is swept: that happens whenever the list has doubled since the last time, so that a million short-lived arenas cost a few steps each and
/// never fill it.
/// </remarks>
internal sealed class MeteredRegistry(MeteredKind kind)
{
    /// <summary>Below this many a sweep is not worth it. Arbitrary.</summary>
    private const int SweptFrom = 64;

    private readonly Lock _lock = new();
    private readonly List<MeteredEntry> _entries = [];
    private readonly HashSet<(string Name, int Instance)> _identities = [];
    private int _sweepAt = SweptFrom;

    /// <summary>Entries in the list, dropped ones included.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>Begins to measure.</summary>
    public MeteredEntry Add(IMetered subject)
    {
        var entry = new MeteredEntry(kind, subject);
        lock (_lock)
        {
            if (_entries.Count >= _sweepAt)
            {
                Sweep();
            }

            entry.Place = _entries.Count;
            _entries.Add(entry);
        }

        return entry;
    }

    /// <summary>Ends it. Idempotent. An interrupt waits for the thread's next wait: whoever ends something has more to do.</summary>
    public void Remove(MeteredEntry entry)
    {
        bool isInterrupted = false;
        while (!TryRemove(entry))
        {
            isInterrupted = true;
        }

        if (isInterrupted)
        {
            Thread.CurrentThread.Interrupt();
        }
    }

    /// <summary>Copies the list, so that others may come and go during a collection without one being left out or measured
    /// twice.</summary>
    public int CopyTo(ref MeteredEntry?[] entries)
    {
        lock (_lock)
        {
            if (entries.Length < _entries.Count)
            {
                entries = new MeteredEntry?[Math.Max(_entries.Count, 2 * entries.Length)];
            }

            _entries.CopyTo(entries!);
            return _entries.Count;
        }
    }

    /// <summary>Measures one figure of an entry; false if what it stands for is gone. That is asked without the registry's lock: it may
    /// have to stop its caches, and others want to come and go meanwhile.</summary>
    public bool TryMeasure(MeteredEntry entry, int figure, out Measurement<long> measurement)
    {
        measurement = default;
        IMetered? subject;
        lock (_lock)
        {
            if (!IsListed(entry))
            {
                return false;
            }

            if (!entry.TryGetSubject(out subject))
            {
                RemoveAt(entry.Place);
                return false;
            }
        }

        if (!subject.TryRead(figure, out long value))
        {
            return false;
        }

        lock (_lock)
        {
            bool listed = IsListed(entry);
            measurement = listed ? entry.Note(subject.Name, figure, value, _identities) : default;
            return listed;
        }
    }

    /// <summary>False if the thread was interrupted before.</summary>
    private bool TryRemove(MeteredEntry entry)
    {
        try
        {
            lock (_lock)
            {
                if (IsListed(entry))
                {
                    RemoveAt(entry.Place);
                }

                return true;
            }
        }
        catch (ThreadInterruptedException)
        {
            return false;
        }
    }

    private bool IsListed(MeteredEntry entry) => entry.Place < _entries.Count && ReferenceEquals(_entries[entry.Place], entry);

    private void Sweep()
    {
        for (int place = _entries.Count; place-- > 0;)
        {
            if (!_entries[place].IsAlive)
            {
                RemoveAt(place);
            }
        }

        _sweepAt = Math.Max(SweptFrom, 2 * _entries.Count);
    }

    private void RemoveAt(int place)
    {
        MeteredEntry entry = _entries[place];
        MeteredEntry last = _entries[^1];
        _entries[place] = last;
        last.Place = place;
        _entries.RemoveAt(_entries.Count - 1);
        entry.Release();
        if (entry.Identity is { } identity)
        {
            _ = _identities.Remove(identity);
        }
    }
}
