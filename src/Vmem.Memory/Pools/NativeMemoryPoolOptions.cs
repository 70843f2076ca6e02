namespace Vmem.Memory;

/// <summary>How a <see cref="NativeMemoryPool{T}"/> behaves; fixed when it is made.</summary>
public sealed record NativeMemoryPoolOptions
{
    /// <summary>The pool's name in messages and metrics.</summary>
    public string Name { get; init; } = "pool";

    /// <summary>
    /// Whether the objects behind <see cref="System.Buffers.IMemoryOwner{T}"/> serve one renter after the other, so that renting makes no
    /// garbage. Set unless changed. Then a renter must let go of the owner and of every <see cref="Memory{T}"/> of it when he disposes of
    /// it, as with aspnetcore's own pools: an owner is used again when the thread that disposed of it has disposed of 32 more, and from
    /// then on a kept reference is one to the next renter's memory. Until then it is refused. False makes a fresh object of some 50 bytes
    /// for each rental: then a second disposal never does anything, and a use after disposal always throws.
    /// </summary>
    public bool RecycleOwners { get; init; } = true;

    /// <summary>Finds owners that were dropped without having been disposed of: counts them and tells <see cref="Leaked"/> of them. Each
    /// rental then takes microseconds and makes garbage, for the stack; each owner has a finaliser. Off unless set.</summary>
    public bool TrackLeaks { get; init; }

    /// <summary>Told of each owner that was lost, if <see cref="TrackLeaks"/> is set: on the thread of finalisers, some time after the
    /// loss. What it throws is ignored.</summary>
    public Action<NativeMemoryLeak>? Leaked { get; init; }

    /// <summary>The clock for the upkeep of what is cached, and for the times of rentals.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
