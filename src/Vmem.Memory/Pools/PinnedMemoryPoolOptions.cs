using System.Diagnostics;

namespace Vmem.Memory;

/// <summary>How a <see cref="PinnedMemoryPool{T}"/> behaves; fixed when it is made.</summary>
[DebuggerDisplay("{Name,nq}: limit {Limit}, slabs of {SlabSize}")]
public sealed record PinnedMemoryPoolOptions
{
    /// <summary>The pool's name in messages and metrics; the arena that deals its slabs out, in blocks of
    /// 4 KiB, has the same.</summary>
    public string Name { get; init; } = "pinned";

    /// <summary>The most bytes that the pool's slabs may take together. Rounded down to whole slabs, of which there is one at least. 0, the
    /// default: no limit.</summary>
    public nuint Limit { get; init; }

    /// <summary>How long a slab is, in bytes: a power of two from 256 KiB to 1 GiB. 1 MiB by default. What is longer has a slab of its own,
    /// which is a multiple of this.</summary>
    public nuint SlabSize { get; init; } = 1 << 20;

    /// <summary>The longest that memory is kept that nobody rents: at most 198 days. Free pages go back to the system when nobody rented
    /// them for three quarters of it at least, and for all of it at most; so do slabs that are wholly free. 15 seconds by default.
    /// <see cref="Timeout.InfiniteTimeSpan"/>: until <see cref="PinnedMemoryPool{T}.Trim"/>, or until memory is short.</summary>
    public TimeSpan RetainedInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How many bytes of its last block a rental leaves unused: a multiple of the element's size, less than 4 KiB. 0 by default.
    /// It is for pools whose rentals are filled in a row from one buffer, as a server's are with a long answer.</summary>
    /// <remarks>
    /// Whole blocks begin at pages, and each takes as much of the buffer as a page has. So the buffer's part for each lies at the same
    /// place of its pages. If that is 1 to 15 bytes before the block's place, processors of AMD copy with <c>rep movsb</c> at a tenth of
    /// their speed, and C libraries copy so. With 16 bytes left unused the place moves on from block to block, and at most one of 256 lies
    /// so. Rejected: blocks that begin anywhere in a page, for then a free block has no whole page to give back.
    /// </remarks>
    public nuint Stagger { get; init; }

    /// <summary>Uses the owner of a single block again, so that such a rental makes no garbage: for servers. Off unless set; without
    /// effect with <see cref="TrackLeaks"/> and with <see cref="Audit"/>.</summary>
    /// <remarks><b>The risk of setting it</b>: an owner belongs to its block. A second disposal does nothing, and is counted, as long as
    /// nobody has rented the block again. After that it ends the other's rental. ASP.NET Core's own pool has the same risk. Unlike those
    /// of <see cref="NativeMemoryPoolOptions.RecycleOwners"/> these owners do not rest: the block that was returned last is rented
    /// next.</remarks>
    public bool RecycleOwners { get; init; }

    /// <summary>Zeroes what was rented when it is given back: for secrets. Off unless set.</summary>
    public bool ClearOnReturn { get; init; }

    /// <summary>Finds owners that were dropped without having been disposed of: counts them and tells <see cref="Leaked"/> of them, with
    /// the stack that rented them. Each rental then takes microseconds and makes garbage, for the stack; each owner has a finaliser. Off
    /// unless set.</summary>
    public bool TrackLeaks { get; init; }

    /// <summary>Told of each owner that was lost, if <see cref="TrackLeaks"/> is set: on the thread of finalisers, some time after the
    /// loss. What it throws is ignored.</summary>
    public Action<NativeMemoryLeak>? Leaked { get; init; }

    /// <summary>Keeps who rented what is out, for <see cref="PinnedMemoryPool{T}.GetAuditReport"/>. Each rental then takes microseconds,
    /// and there are no caches for threads. Off unless set.</summary>
    public bool Audit { get; init; }

    /// <summary>The clock for the upkeep of what is free, and for the times of rentals.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
