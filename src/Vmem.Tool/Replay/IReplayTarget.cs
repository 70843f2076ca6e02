using Vmem.Tool.Blocks;

namespace Vmem.Tool.Replay;

/// <summary>
/// What a recording can be replayed through. Every allocator that is to be compared implements this, and nothing else of the tool changes.
/// How a size is rounded is the allocator's affair, but asked for once: it is wanted for the map and the sums too.
/// </summary>
internal interface IReplayTarget : IDisposable
{
    /// <summary>As the user names it: "instant", "best" … "buddy".</summary>
    string Name { get; }

    AllocatorKind Allocator { get; }

    /// <summary>What a request for this size takes; <see cref="ulong.MaxValue"/> where it is more than there can ever be.</summary>
    ulong RoundUp(ulong requested);

    /// <summary>Whether a size is always rounded alike. If not, what an object took is kept with it until it is freed.</summary>
    bool RoundsAlike => true;

    /// <summary>
    /// False when there is no room. <paramref name="offset"/> is counted from the end of the space that this allocator fills first.
    /// </summary>
    /// <param name="size">From <see cref="RoundUp"/>.</param>
    /// <param name="offset">Where it is.</param>
    bool TryAllocate(ulong size, out ulong offset);

    /// <summary>The same, for an allocator that rounds by itself, and not always alike.</summary>
    bool TryAllocate(ulong requested, ulong size, out ulong offset) => TryAllocate(size, out offset);

    /// <summary>Frees what <see cref="TryAllocate(ulong, out ulong)"/> put at <paramref name="offset"/> for the same size.</summary>
    void Free(ulong offset, ulong size);

    /// <summary>Whether offsets are places in one range, of which a map can be drawn.</summary>
    bool HasMap => true;

    /// <summary>Called after each allocation, outside of its time: what the program would have done with it.</summary>
    void Use(ulong offset, ulong requested, ulong size)
    {
    }

    /// <summary>Called after each free, outside of its time.</summary>
    void Disuse(ulong size)
    {
    }

    /// <summary>Called in the end for each allocation that the program left.</summary>
    void Abandon(ulong offset)
    {
    }

    TargetFigures GetFigures();

    /// <summary>How many addresses all of it takes, of which the highest ever used is the last before
    /// <paramref name="highestEnd"/>.</summary>
    ulong GetRange(ulong highestEnd) => highestEnd;
}

/// <param name="InUse">Bytes that are allocated, rounded up.</param>
/// <param name="Holes">Free bytes among them: for an arena, those outside the largest free segment.</param>
/// <param name="BookkeepingBytes">What the allocator's own tables take.</param>
internal readonly record struct TargetFigures(ulong InUse, ulong Holes, long BookkeepingBytes);
