namespace Vmem.Tool.Processes;

/// <summary>An arena, a heap or whatever else is measured in another process, with its figures of the last interval.</summary>
internal sealed class MeasuredThing(string kind, string name, string instance)
{
    /// <summary>How many intervals the history goes back: so many columns has a sparkline.</summary>
    public const int MostHistory = 24;

    private readonly Queue<double> _history = new();

    public string Kind => kind;

    public string Name => name;

    public string Instance => instance;

    /// <summary>The name, with its number if it is not the first.</summary>
    public string Title => instance == "1" ? name : $"{name}#{instance}";

    /// <summary>Whether it was measured in this interval.</summary>
    public bool IsThere { get; set; }

    /// <summary>The figures, by the last part of their instruments' names.</summary>
    public SortedDictionary<string, double> Values { get; } = new(StringComparer.Ordinal);

    /// <summary>Of the counts: how many a second.</summary>
    public SortedDictionary<string, double> Rates { get; } = new(StringComparer.Ordinal);

    /// <summary>What was in use in the last intervals, the oldest first.</summary>
    public IReadOnlyCollection<double> History => _history;

    public double? Value(string figure) => Values.TryGetValue(figure, out double value) ? value : null;

    /// <summary>What is in use: of a pool, what is outstanding; of an object cache, what is rented; of a client, what it holds.</summary>
    public double InUse => Value("in_use") ?? Value("outstanding") ?? Value("rented") ?? 0;

    /// <summary>Operations a second.</summary>
    public double OperationsPerSecond => Rates.GetValueOrDefault("allocations") + Rates.GetValueOrDefault("frees")
        + Rates.GetValueOrDefault("rents") + Rates.GetValueOrDefault("rented");

    public void NoteHistory()
    {
        _history.Enqueue(InUse);
        if (_history.Count > MostHistory)
        {
            _ = _history.Dequeue();
        }
    }
}
