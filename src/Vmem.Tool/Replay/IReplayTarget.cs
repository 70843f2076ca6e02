namespace Vmem.Tool.Replay;

/// <summary>
/// What a recording can be replayed through. Every allocator that is to be compared implements this, and nothing else of the tool changes.
/// Sizes are what the recorded program asked for; rounding is the allocator's affair.
/// </summary>
internal interface IReplayTarget : IDisposable
{
    /// <summary>As the user names it: "instant", "best" …</summary>
    string Name { get; }

    /// <summary>False when there is no room. <paramref name="offset"/> is counted from the end of the space that this allocator fills first.</summary>
    bool TryAllocate(ulong size, out ulong offset);

    /// <summary>Frees what <see cref="TryAllocate"/> put at <paramref name="offset"/> for the same size.</summary>
    void Free(ulong offset, ulong size);

    /// <summary>What an allocation of this size really takes.</summary>
    ulong RoundUp(ulong size);

    TargetFigures GetFigures();
}

/// <param name="InUse">Bytes that are allocated, rounded up.</param>
/// <param name="Holes">Free bytes outside the largest free segment.</param>
/// <param name="BookkeepingBytes">What the allocator's own tables take.</param>
internal readonly record struct TargetFigures(ulong InUse, ulong Holes, long BookkeepingBytes);
