namespace Vmem;

/// <summary>What was wrong with a free.</summary>
public enum InvalidFreeReason
{
    /// <summary>The address is in no span of the arena, or the handle is the default one: it was never allocated.</summary>
    NotAllocated,

    /// <summary>The address is free or rests, or the handle is stale.</summary>
    AlreadyFree,

    /// <summary>An allocation starts there, but it has another size.</summary>
    WrongSize,

    /// <summary>The address lies inside an allocation, not at its start.</summary>
    InteriorAddress,

    /// <summary>The range belongs to somebody else.</summary>
    OtherOwner,

    /// <summary>The bookkeeping of the range has been overwritten.</summary>
    Corrupted,

    /// <summary>The range was allocated by a call that another one frees: vmem_free goes with vmem_alloc, and vmem_xfree with vmem_xalloc.
    /// Only an audited arena (<see cref="ArenaOptions{T}.Audit"/>) knows.</summary>
    WrongCall,

    /// <summary>The range lay in an import that was revoked (<see cref="Arena{T}.Revoke"/>): it is not the arena's any more.</summary>
    Revoked,
}

/// <summary>A free that cannot be right. Nothing was changed.</summary>
/// <remarks>Every allocator of this library throws it, and so can one of yours that is built on it.</remarks>
public sealed class InvalidFreeException : InvalidOperationException
{
    /// <summary>Says what was wrong with a free.</summary>
    /// <param name="reason">What was wrong.</param>
    /// <param name="start">The address that was to be freed.</param>
    /// <param name="size">The size that was to be freed, in the allocator's units, as the call names it or as it was found to be; 0 if
    /// neither is so.</param>
    /// <param name="message">The whole message: which allocator, which address, why, and that nothing was changed.</param>
    public InvalidFreeException(InvalidFreeReason reason, UInt128 start, UInt128 size, string message)
        : base(message)
    {
        Reason = reason;
        Start = start;
        Size = size;
    }

    /// <summary>What was wrong.</summary>
    public InvalidFreeReason Reason { get; }

    /// <summary>The address that was to be freed.</summary>
    public UInt128 Start { get; }

    /// <summary>The size that was to be freed, as the call names it or as it was found to be; 0 if neither is so.</summary>
    public UInt128 Size { get; }
}
