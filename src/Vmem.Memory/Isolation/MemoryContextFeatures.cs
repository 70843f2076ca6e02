namespace Vmem.Memory;

/// <summary>What a context does beyond handing out memory (libvmma: the feature flags of vmma_create_context).</summary>
[Flags]
public enum MemoryContextFeatures
{
    /// <summary>Nothing: a client sees what was last written to the memory, by whomever.</summary>
    None = 0,

    /// <summary>Every block is handed out zeroed, its rounding included.</summary>
    ZeroOnAllocate = 1 << 0,

    /// <summary>Every block is zeroed as it is freed, and whatever a client still holds when it is disposed of, then.</summary>
    ZeroOnFree = 1 << 1,

    /// <summary>Free memory of a client holds the byte 0xDD, and a block that does not when it is handed out was written to after it was
    /// freed: an <see cref="InvariantViolationException"/> says where.</summary>
    PoisonOnFree = 1 << 2,

    /// <summary>At least eight bytes behind each block hold a pattern, checked when the block is freed or resized, and by
    /// <see cref="MemoryContext.Validate"/>.</summary>
    GuardBytes = 1 << 3,

    /// <summary>The context and its clients may be used by several threads at once. Each client has a lock of its own.</summary>
    Synchronized = 1 << 4,

    /// <summary>Memory that somebody else has written to is zeroed before a client gets it, so that no client ever sees another's bytes.
    /// The default, for this is what isolation means; it costs nothing per block.</summary>
    ZeroOnHandOver = 1 << 5,

    /// <summary>Each client keeps who allocated its live blocks, and who freed the last thousand:
    /// <see cref="MemoryClient.GetAuditReport"/>. A free that is refused says who freed the block before. A call then costs some
    /// microseconds, and going back to a mark or a reset looks at all live blocks.</summary>
    Audit = 1 << 6,
}
