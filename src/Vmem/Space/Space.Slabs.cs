namespace Vmem.Space;

// What the caches in front take from the segments, and tell of it.
internal sealed partial class Space<T>
{
    /// <summary>Carves a slab for a cache from a free segment. It is nobody's allocation. The lock is held, and the reserve is
    /// there.</summary>
    /// <returns>The slab's tag.</returns>
    public uint TakeSlab(uint free, T start, T length)
    {
        AssertHeld();
        NoteImportUsed(free);
        uint tag = Carve(free, start, length);
        Map.Enlist(tag);
        return tag;
    }

    /// <summary>A range of a slab went to a caller. The lock is held.</summary>
    public void NoteRangeTaken(T start, T size)
    {
        AssertHeld();
        _tally.NoteAllocation(Map.InUse);
        Recorder?.Allocated(start, size);
    }

    /// <summary>A caller gave a range of a slab back. The lock is held.</summary>
    public void NoteRangeFreed(T start)
    {
        AssertHeld();
        Recorder?.Freed(start);
    }

    /// <summary>What slabs hold and nobody does has changed. The lock is held.</summary>
    public void NoteIdle(T idle) => _tally.Idle = idle;
}
