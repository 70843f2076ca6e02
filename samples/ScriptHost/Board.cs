using Vmem.Memory;

namespace Vmem.Samples;

/// <summary>
/// Where scripts leave values for each other, under names. A reference may be left there too: that it can be seen does not make it usable.
/// </summary>
internal sealed class Board
{
    // It is the host's memory, on no script's quota. Arbitrary.
    private const int MostNames = 100;

    private readonly Dictionary<string, (MemoryClient Sharer, Value Value)> _values = [];

    public void Share(string name, MemoryClient sharer, Value value)
    {
        if (_values.Count >= MostNames && !_values.ContainsKey(name))
        {
            throw new ScriptFault("the board is full", $"It has room for {MostNames} names");
        }

        _values[name] = (sharer, value);
    }

    /// <summary>nil if there is nothing of this name.</summary>
    public Value Find(string name) => _values.GetValueOrDefault(name).Value;

    /// <summary>Takes away what a script has left.</summary>
    public void Forget(MemoryClient sharer)
    {
        foreach (string name in _values.Where(entry => entry.Value.Sharer == sharer).Select(entry => entry.Key).ToList())
        {
            _ = _values.Remove(name);
        }
    }
}
