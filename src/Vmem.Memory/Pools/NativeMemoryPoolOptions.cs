using System.Diagnostics;

namespace Vmem.Memory;

/// <summary>How a <see cref="NativeMemoryPool{T}"/> behaves; fixed when it is made.</summary>
[DebuggerDisplay("{Name,nq}: leaks are tracked: {TrackLeaks}")]
public sealed record NativeMemoryPoolOptions
{
    /// <summary>The pool's name in messages and metrics.</summary>
    public string Name { get; init; } = "pool";

    /// <summary>
    /// Whether the objects behind <see cref="System.Buffers.IMemoryOwner{T}"/> serve one renter after the other, so that renting makes no
    /// garbage. Off unless set: then a second disposal never does anything, and a use after disposal always throws; each rental makes an
    /// object of some 50 bytes. <b>The risk of setting it</b>: a renter must let go of the owner and of every <see cref="Memory{T}"/> of it
    /// when he disposes of it, as with aspnetcore's own pools. An owner is used again when the thread that disposed of it has disposed of
    /// 32 more, and from then on a kept reference is one to the next renter's memory. Until then it is refused.
    /// </summary>
    public bool RecycleOwners { get; init; }

    /// <summary>Every rental starts at a multiple of this many bytes: a power of two. 0, the default: as <see cref="NativeHeap.Allocate"/>
    /// says. 512 or 4,096 is what direct input and output ask for.</summary>
    public nuint Alignment { get; init; }

    /// <summary>Zeroes what was rented when it is given back, before the block is freed: for secrets. What the heap takes with it when it
    /// is disposed of is not zeroed. Off unless set.</summary>
    public bool ClearOnReturn { get; init; }

    /// <summary>Frees the block of an owner that was dropped without having been disposed of, as the collector finds it, and counts it. The
    /// collector is told how much memory its rentals hold, so that it looks in time. Each rental then has a finaliser, which costs
    /// time and garbage. <b>The risk of setting it</b>: a span or a pointer keeps nothing alive. Whoever uses one after the last use of the
    /// owner and its memory may be using another's block; who pins, or keeps the owner until the end (<see cref="GC.KeepAlive"/>), is safe.
    /// A block whose pin was forgotten as well is not freed: the system may be writing to it. Off unless set.</summary>
    public bool ReclaimLost { get; init; }

    /// <summary>Finds owners that were dropped without having been disposed of: counts them and tells <see cref="Leaked"/> of them, with
    /// the stack that rented them. Each rental then takes microseconds and makes garbage, for the stack; each owner has a finaliser. Off
    /// unless set.</summary>
    public bool TrackLeaks { get; init; }

    /// <summary>Told of each owner that was lost, if <see cref="TrackLeaks"/> or <see cref="ReclaimLost"/> is set: on the thread of
    /// finalisers, some time after the loss. Without <see cref="TrackLeaks"/> it does not say who rented it, nor when. What it throws is
    /// ignored.</summary>
    public Action<NativeMemoryLeak>? Leaked { get; init; }

    /// <summary>The clock for the upkeep of what is cached, and for the times of rentals.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
