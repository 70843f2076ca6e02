using Vmem.Checks;

namespace Vmem.Diagnostics;

/// <summary>Numbers those of one name apart: each gets the lowest number that none of the others has.</summary>
/// <remarks>O(log n) for each, however many have the name. Rejected: to try one number after the other, which for n of one name is O(n^2).
/// What was given back lies below what was never given, so a heap of the former and a count of the latter are enough.</remarks>
internal sealed class InstanceNumbers
{
    private readonly Dictionary<string, Used> _names = [];

    /// <summary>A number for one more of a name; 1 for the first.</summary>
    public int Take(string name)
    {
        bool isKnown = _names.TryGetValue(name, out Used? used);
        used ??= new Used();
        StepCounter.Count();
        if (used.Free.Count > 0)
        {
            return used.Free.Dequeue();
        }

        _ = used.Free.EnsureCapacity(used.Highest + 1);            // Return must not need memory
        if (!isKnown)
        {
            _names.Add(name, used);               // last: without memory for it there is no name of which none is left
        }

        return ++used.Highest;
    }

    /// <summary>One of a name is gone. Needs no memory.</summary>
    public void Return(string name, int number)
    {
        Used used = _names[name];
        used.Free.Enqueue(number, number);
        if (used.Free.Count == used.Highest)
        {
            _ = _names.Remove(name);              // none is left
        }
    }

    private sealed class Used
    {
        public PriorityQueue<int, int> Free { get; } = new();

        /// <summary>What was ever given since the name came.</summary>
        public int Highest { get; set; }
    }
}
