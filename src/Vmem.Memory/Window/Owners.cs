using Vmem.Checks;

namespace Vmem.Memory.Window;

/// <summary>Numbers for those who own granules, from 1, and their names.</summary>
internal sealed class Owners
{
    private readonly Gate _gate = new();
    private readonly List<string?> _names = ["nobody"];
    private readonly Stack<uint> _free = new();

    /// <summary>A number that nobody else has.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory for its entry, or there are no more numbers.</exception>
    public uint Take(string name)
    {
        using (_gate.EnterScope())
        {
            if (_free.TryPop(out uint number))
            {
                _names[(int)number] = name;
                return number;
            }

            if (_names.Count == GranuleTable.Owners)
            {
                throw new InsufficientMemoryException($"There are {GranuleTable.Owners - 1} heaps, as many as there may be: dispose of some.");
            }

            _ = _free.EnsureCapacity(_names.Count);       // so that a number can be given back without memory
            _names.Add(name);
            return (uint)_names.Count - 1;
        }
    }

    /// <summary>Who has a number; null if nobody does.</summary>
    public string? NameOf(uint number)
    {
        using (_gate.EnterScope())
        {
            return number != 0 && number < _names.Count ? _names[(int)number] : null;
        }
    }

    /// <summary>Somebody else may have it from now on.</summary>
    public void Leave(uint number)
    {
        using (_gate.EnterScope())
        {
            Invariant.Assert(_names[(int)number] is not null, "an owner leaves once");
            _names[(int)number] = null;
            _free.Push(number);
        }
    }
}
