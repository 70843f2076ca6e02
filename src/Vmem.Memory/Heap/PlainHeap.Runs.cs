using Vmem.Memory.Window;

namespace Vmem.Memory.Heap;

// Page runs: what threads keep of large blocks.
internal sealed partial class PlainHeap
{
    /// <inheritdoc cref="LargeBlocks.TakeRoomy"/>
    public nuint TakeRoomy(nuint size)
    {
        nuint block = _large.TakeRoomy(size);
        if (block != 0)
        {
            ReplaceIfGrown(isRun: false);
        }

        return block;
    }

    /// <summary>A page run that the thread keeps, for a size that runs serve.</summary>
    public bool TryTakeRun(nuint size, out nuint block)
    {
        block = 0;
        return _runs is not null && _runs.TryTake(size, out block);
    }

    /// <summary>Frees a page run, if the thread may keep it.</summary>
    public bool TryFreeRun(nuint block, nuint size)
    {
        bool isFreed = false;
        if (_runs is not null && (isFreed = _runs.TryGive(block, size, out bool spilled)) && spilled)
        {
            KeepWithinBounds();
        }

        return isFreed;
    }

    /// <summary>The large block that an address is in: not a run that a thread keeps.</summary>
    private bool TryFindLarge(nuint address, out Segment<nuint> found) =>
        _space.TryFind(address, out found) && RunStates.IsLive(_space.RunAt(found.Start));
}
