using System.Numerics;
using Vmem.Checks;

namespace Vmem.Buddy;

/// <summary>What was asked for, for each live block. All under the allocator's lock.</summary>
internal sealed class BuddyAudit<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly Dictionary<long, T> _requests = [];

    /// <summary>The sum of all live requests. Only that of all 2^128 values does not fit: it reads 0, as does the one of nothing.</summary>
    public UInt128 Requested { get; private set; }

    /// <summary>Makes room for one more, so that noting it cannot fail.</summary>
    public void Reserve() => _requests.EnsureCapacity(_requests.Count + 1);

    public void Note(long unit, T requested)
    {
        Forget(unit);
        _requests[unit] = requested;
        Requested += UInt128.CreateTruncating(requested);
    }

    public void Forget(long unit)
    {
        if (_requests.Remove(unit, out T requested))
        {
            Requested -= UInt128.CreateTruncating(requested);
        }
    }

    public void Clear()
    {
        _requests.Clear();
        Requested = 0;
    }

    public void Validate(BuddyTree tree)
    {
        Invariant.Hold(_requests.Count == tree.LiveBlocks, "the audit knows every live block", $"{_requests.Count} are recorded, {tree.LiveBlocks} are there");
        foreach (long unit in _requests.Keys)
        {
            bool isThere = tree.TryFind(unit, out long start, out _, out bool isFree);
            Invariant.Hold(isThere && start == unit && !isFree, "what the audit knows is a live block", $"unit {unit}");
        }
    }
}
