using System.Diagnostics.Metrics;
using System.Globalization;
using System.Runtime.InteropServices;
using Vmem.Checks;

namespace Vmem.Diagnostics;

/// <summary>An arena of any integer type, a heap or a pool, as the metrics see it.</summary>
internal interface IMetered
{
    string Name { get; }

    /// <summary>One figure at this moment, by its number within its kind; false if what is measured has been disposed of, or does not have
    /// this one.</summary>
    bool TryRead(int figure, out long value);
}

/// <summary>All of one kind that is measured: the arenas, the heaps, or the pools. It keeps none of them alive. It is also the list of them
/// that a process can be asked for.</summary>
/// <remarks>
/// <para>
/// What is disposed of leaves at once. What was dropped without being disposed of leaves at the next collection of metrics, or when the
/// registry is swept. That happens whenever it has doubled since the last time. So a million short-lived arenas cost a few steps each and
/// never fill it.
/// </para>
/// <para>
/// Rejected: enumerators that serve again, so that a collection makes no garbage while nothing changes. They were four more types to save
/// some hundred bytes each time a collector asks, which is every few seconds. Rejected: an instrument for each arena, with the name as the
/// instrument's tag. It needs a meter for each, to be able to end it, and every arena would pay for that.
/// </para>
/// </remarks>
/// <param name="nameTag">The tag for a name.</param>
/// <param name="instanceTag">The tag for a number, if another one had the name first.</param>
/// <param name="levels">How many figures, the first ones, go up and down; the others are counts that only grow.</param>
internal sealed class MeteredRegistry(string nameTag, string instanceTag, int levels)
{
    /// <summary>Below this many a sweep is not worth it. Arbitrary.</summary>
    private const int SweptFrom = 64;

    private readonly Gate _lock = new();
    private readonly List<MeteredEntry> _entries = [];
    private readonly InstanceNumbers _numbers = new();
    private int _sweepAt = SweptFrom;

    /// <summary>Entries, dropped ones included.</summary>
    public int Count
    {
        get
        {
            using (_lock.EnterScope())
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>Begins to measure.</summary>
    /// <param name="subject">What is measured.</param>
    /// <param name="entry">What it is removed by, set before anybody can see the subject here.</param>
    public void Add(IMetered subject, out MeteredEntry entry)
    {
        entry = new MeteredEntry(subject);
        using (_lock.EnterScope())
        {
            if (_entries.Count >= _sweepAt)
            {
                Sweep();
            }

            entry.Place = _entries.Count;
            _entries.Add(entry);
        }
    }

    /// <summary>Ends it. Idempotent.</summary>
    public void Remove(MeteredEntry entry)
    {
        using (_lock.EnterScope())
        {
            if (IsListed(entry))
            {
                Drop(entry);
            }
        }
    }

    /// <summary>All that are there at this moment, in no order. The caller keeps them alive as long as he keeps the list.</summary>
    public List<IMetered> Present()
    {
        using (_lock.EnterScope())
        {
            var present = new List<IMetered>(_entries.Count);
            foreach (MeteredEntry entry in _entries)
            {
                if (entry.Subject.TryGetTarget(out IMetered? subject))
                {
                    present.Add(subject);
                }
            }

            return present;
        }
    }

    /// <summary>The number of one among those of its name, the one of its tags; 1 for the first, and for what is gone.</summary>
    public int InstanceOf(MeteredEntry entry, string name)
    {
        using (_lock.EnterScope())
        {
            return IsListed(entry) ? (entry.Measured ??= Identify(name)).Instance : entry.Measured?.Instance ?? 1;
        }
    }

    /// <summary>Makes the instrument that shows one figure of all.</summary>
    public void Observe(Meter meter, string name, int figure, string unit, string description) => _ = figure < levels
        ? meter.CreateObservableUpDownCounter(name, () => Measure(figure), unit, description)
        : (Instrument)meter.CreateObservableCounter(name, () => Measure(figure), unit, description);

    /// <summary>The same for a level that makes no sense as a sum over all: the largest piece, or the most that ever was.</summary>
    public void ObserveMost(Meter meter, string name, int figure, string unit, string description) =>
        _ = meter.CreateObservableGauge(name, () => Measure(figure), unit, description);

    /// <summary>The same for a share of 1: what is measured gives it in millionths.</summary>
    public void ObserveShare(Meter meter, string name, int figure, string description) =>
        ObserveFraction(meter, name, figure, "1", description);

    /// <summary>The same for what is no whole number, and makes no sense as a sum: what is measured gives it in millionths of the
    /// unit.</summary>
    public void ObserveFraction(Meter meter, string name, int figure, string unit, string description) => _ = meter.CreateObservableGauge(
        name,
        () => MeasureShares(figure),
        unit,
        description);

    private IEnumerable<Measurement<long>> Measure(int figure)
    {
        foreach (MeteredEntry entry in Copy())    // others may come and go meanwhile, and none is left out or measured twice
        {
            if (TryMeasure(entry, figure, out Measurement<long> measurement))
            {
                yield return measurement;
            }
        }
    }

    private IEnumerable<Measurement<double>> MeasureShares(int figure)
    {
        foreach (MeteredEntry entry in Copy())
        {
            if (TryMeasure(entry, figure, out Measurement<long> millionths))
            {
                yield return NoteShare(entry, millionths.Value);
            }
        }
    }

    private MeteredEntry[] Copy()
    {
        using (_lock.EnterScope())
        {
            return [.. _entries];
        }
    }

    /// <summary>False if what is measured is gone. It is read without the registry's lock: it may have to stop its caches, and others want
    /// to come and go meanwhile.</summary>
    private bool TryMeasure(MeteredEntry entry, int figure, out Measurement<long> measurement)
    {
        measurement = default;
        IMetered? subject;
        using (_lock.EnterScope())
        {
            if (!IsListed(entry))
            {
                return false;
            }

            if (!entry.Subject.TryGetTarget(out subject))
            {
                Drop(entry);
                return false;
            }
        }

        if (!subject.TryRead(figure, out long value))
        {
            return false;
        }

        using (_lock.EnterScope())
        {
            bool listed = IsListed(entry);
            measurement = listed ? Note(entry, subject.Name, figure, value) : default;
            return listed;
        }
    }

    /// <summary>Makes a measurement, or takes the last one if the value is the same: each new one copies its tags. Under the
    /// lock.</summary>
    private Measurement<long> Note(MeteredEntry entry, string name, int figure, long value)
    {
        MeasuredEntry measured = entry.Measured ??= Identify(name);
        if (figure >= measured.Last.Length)
        {
            Array.Resize(ref measured.Last, figure + 1);
        }

        ref Measurement<long> last = ref measured.Last[figure];
        if (figure >= levels)
        {
            value = Math.Max(value, last.Value);  // two collections may overtake each other; a count must not go back
        }

        if (last.Value != value || last.Tags.IsEmpty)
        {
            last = new Measurement<long>(value, measured.Tags);
        }

        return last;
    }

    private Measurement<double> NoteShare(MeteredEntry entry, long millionths)
    {
        using (_lock.EnterScope())
        {
            MeasuredEntry measured = entry.Measured!;
            double share = millionths / 1e6;
            if (measured.LastShare.Value != share || measured.LastShare.Tags.IsEmpty)
            {
                measured.LastShare = new Measurement<double>(share, measured.Tags);
            }

            return measured.LastShare;
        }
    }

    private MeasuredEntry Identify(string name)
    {
        int instance = _numbers.Take(name);
        try
        {
            KeyValuePair<string, object?> tag = new(nameTag, name);
            return new MeasuredEntry(name, instance,
                instance == 1 ? [tag] : [tag, new(instanceTag, instance.ToString(CultureInfo.InvariantCulture))]);
        }
        catch (OutOfMemoryException)
        {
            _numbers.Return(name, instance);
            throw;
        }
    }

    private bool IsListed(MeteredEntry entry) => entry.Place < _entries.Count && ReferenceEquals(_entries[entry.Place], entry);

    private void Sweep()
    {
        for (int place = _entries.Count; place-- > 0;)
        {
            if (!_entries[place].Subject.TryGetTarget(out _))
            {
                Drop(_entries[place]);
            }
        }

        _sweepAt = Math.Max(SweptFrom, 2 * _entries.Count);
    }

    /// <summary>Takes an entry out: the last one takes its place.</summary>
    private void Drop(MeteredEntry entry)
    {
        MeteredEntry last = _entries[^1];
        _entries[entry.Place] = last;
        last.Place = entry.Place;
        _entries.RemoveAt(_entries.Count - 1);
        entry.Subject.Dispose();
        if (entry.Measured is { } measured)
        {
            _numbers.Return(measured.Name, measured.Instance);
        }
    }
}

/// <summary>What a registry keeps of one arena, heap or pool. Only under its lock.</summary>
internal sealed class MeteredEntry(IMetered subject)
{
    public WeakGCHandle<IMetered> Subject = new(subject);       // not WeakReference, whose finaliser every arena would pay for
    public int Place;                             // in the registry's list
    public MeasuredEntry? Measured;               // null until it is measured: most never are
}

/// <summary>The same of what has been measured.</summary>
internal sealed class MeasuredEntry(string name, int instance, KeyValuePair<string, object?>[] tags)
{
    public readonly string Name = name;
    public readonly int Instance = instance;
    public readonly KeyValuePair<string, object?>[] Tags = tags;
    public Measurement<long>[] Last = [];         // by figure
    public Measurement<double> LastShare;         // there is at most one share
}
