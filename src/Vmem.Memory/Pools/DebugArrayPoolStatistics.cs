using System.Diagnostics;

namespace Vmem.Memory;

/// <summary>What a <see cref="DebugArrayPool{T}"/> has done and found.</summary>
[DebuggerDisplay("{Outstanding} of {Rents} outstanding, {ReturnedTwice} returned twice, {UsedAfterReturn} used after their return")]
public readonly record struct DebugArrayPoolStatistics
{
    /// <summary>How often an array was rented.</summary>
    public long Rents { get; init; }

    /// <summary>Arrays that were neither returned nor found to be lost.</summary>
    public long Outstanding { get; init; }

    /// <summary>Returned arrays that the pool has: those that rest, and those that are ready.</summary>
    public long Kept { get; init; }

    /// <summary>Returns of arrays that were the pool's already.</summary>
    public long ReturnedTwice { get; init; }

    /// <summary>Returns of arrays that the pool had never rented.</summary>
    public long Foreign { get; init; }

    /// <summary>Arrays that were written to after their return.</summary>
    public long UsedAfterReturn { get; init; }

    /// <summary>Arrays that were collected without having been returned.</summary>
    public long NeverReturned { get; init; }
}
