namespace Vmem.Testing.Exploration;

/// <summary>A store that only its own thread sees yet.</summary>
internal sealed class PendingStore(Place place, object? value, bool isRelease)
{
    public Place Place { get; } = place;

    public object? Value { get; } = value;

    /// <summary>Whether what was stored before it must be seen before it.</summary>
    public bool IsRelease { get; } = isRelease;
}

/// <summary>What one thread has stored, and how old what it loads may be.</summary>
internal sealed class ThreadMemory
{
    private readonly Dictionary<Place, long> _places = [];
    private readonly Dictionary<object, long> _objects = new(ReferenceEqualityComparer.Instance);

    public List<PendingStore> Pending { get; } = [];

    /// <summary>No load returns what its place held only before this time.</summary>
    public long Floor { get; set; }

    /// <summary>How old what is loaded from a place may be: no older than what was seen of it, or of the array's address.</summary>
    public long FloorOf(Place place) => Math.Max(
        Math.Max(Floor, _places.GetValueOrDefault(place)),
        place.Array is { } array ? _objects.GetValueOrDefault(array) : 0);

    public void Saw(Place place, long since, object? value, bool acquire)
    {
        _places[place] = Math.Max(since, _places.GetValueOrDefault(place));
        if (acquire)
        {
            Floor = Math.Max(Floor, since);
        }

        if (value is Array)
        {
            _objects[value] = Math.Max(since, _objects.GetValueOrDefault(value));
        }
    }

    /// <summary>The thread's own newest store to a place that others do not see yet.</summary>
    public bool TryForward(Place place, out object? value)
    {
        int at = Pending.FindLastIndex(store => store.Place == place);
        value = at < 0 ? null : Pending[at].Value;
        return at >= 0;
    }
}
