using System.Diagnostics.CodeAnalysis;
using Vmem.Checks;

namespace Vmem.Memory.Heap.Debugging;

/// <summary>Freed blocks, those freed first in front: while there is room, kept from being handed out again; afterwards, only
/// remembered.</summary>
/// <remarks>
/// <para>
/// A block in quarantine holds poison. So whoever reads it after its free sees what is no address and no likely number, and whoever writes
/// it leaves a trace, which is found when the block is about to leave. A second free of it is told from one of a block that was never
/// there.
/// </para>
/// <para>
/// Behind the quarantine comes the history: records only, of the last <see cref="HistoryLength"/> blocks that left it.
/// </para>
/// </remarks>
internal sealed class Quarantine(nuint room)
{
    /// <summary>How many are remembered that are no longer in quarantine. Arbitrary.</summary>
    public const int HistoryLength = 1_024;

    private readonly Queue<DebugBlock> _held = new();
    private readonly Queue<DebugBlock> _left = new(HistoryLength);
    private long _entered;

    /// <summary>The memory of those held, their padding included.</summary>
    public nuint Bytes { get; private set; }

    public bool IsOverfull => Bytes > room;

    public int Count => _held.Count;

    /// <summary>True if every block that was ever freed is still remembered.</summary>
    public bool RemembersAll => _entered <= HistoryLength;

    /// <summary>Those held.</summary>
    public IEnumerable<DebugBlock> Held => _held;

    /// <summary>Makes room for so many more to be entered, so that <see cref="Enter"/> needs no memory.</summary>
    public void Reserve(int count)
    {
        GrowthFault.ThrowIfDue();
        _ = _held.EnsureCapacity(_held.Count + count);
    }

    public void Enter(DebugBlock block)
    {
        _held.Enqueue(block);
        Bytes += block.PaddedSize;
        _entered++;
    }

    /// <summary>The block that leaves next.</summary>
    public bool TryPeek([NotNullWhen(true)] out DebugBlock? block) => _held.TryPeek(out block);

    /// <summary>The block in front leaves and is remembered.</summary>
    public void Leave()
    {
        DebugBlock block = _held.Dequeue();
        Bytes -= block.PaddedSize;
        if (_left.Count == HistoryLength)
        {
            _ = _left.Dequeue();
        }

        _left.Enqueue(block);
    }

    /// <summary>The block that was freed last, of those with an address in them. O(blocks held): asked about mistakes only.</summary>
    public DebugBlock? FindHolder(nuint address)
    {
        DebugBlock? found = null;
        foreach (DebugBlock block in _left.Concat(_held))
        {
            found = block.Holds(address) ? block : found;
        }

        return found;
    }
}
