using System.Numerics;

namespace Vmem.Space;

/// <summary>What stands between callers and the segments: it can be made to stand still, so that the whole can be looked at.</summary>
internal interface ICachedRanges<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>The largest size that is cached.</summary>
    T Max { get; }

    /// <summary>Makes a range of a size that is cached a segment of its own, if it is not. Frozen, and under the lock.</summary>
    /// <returns>False if there is no memory for that.</returns>
    /// <exception cref="InvalidFreeException">The range lies in a cache.</exception>
    bool TryMakeSegment(T start, T size);

    /// <summary>A range that a caller had is gone, whatever its size. Under the lock.</summary>
    void Forget(T start);

    /// <summary>Whether the caches may hold anything. A hint where the lock is not held.</summary>
    bool MayHold { get; }

    /// <summary>What lies in the caches, in spans that do not drain. Frozen, and under the lock.</summary>
    List<CachedRange<T>> CopyCached();

    /// <summary>Frees a range of a size that is cached.</summary>
    void Free(T start, T size);

    /// <summary>Makes what is in front of the segments stand still. To be called before the lock is taken.</summary>
    /// <param name="isWhole">Whether everything; else only the caches that may hold something.</param>
    void Freeze(bool isWhole);

    /// <summary>Ends <see cref="Freeze"/>.</summary>
    void Thaw();

    /// <summary>A handle is about to hold a range: a free of it by address must reach the segments. Under the lock. Throws
    /// <see cref="OutOfMemoryException"/>, having changed nothing.</summary>
    void NoteHandle(T start, T size);

    /// <summary>There is something for the upkeep to do. Under the lock.</summary>
    void WakeUpkeep();

    /// <summary>The segment of a slab has another tag from now on. Under the lock.</summary>
    void SlabMoved(uint slab, uint tag);

    /// <summary>Gives what the caches hold back to the segments, if they hold anything. While somebody waits for room in the source they
    /// also take nothing in.</summary>
    void GiveBack();

    /// <summary>Makes a segment of each range of a slab that is out, and frees the others: its span drains. Under the lock.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory for their tags; the slab is shorter, and in order.</exception>
    void CutUp(uint slab);

    /// <summary>Fewer spans drain than did: ranges of the others may be kept again. Under the lock.</summary>
    void NoteDraining();

    /// <summary>How much of a slab is not out, in units. Under the lock.</summary>
    T IdleOf(uint slab);

    /// <summary>The range of a slab that holds a value, and whether it is out. Under the lock.</summary>
    (T Start, T Size, bool IsOut) RangeAt(uint slab, T value);
}
