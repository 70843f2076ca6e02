namespace Vmem;

/// <summary>Which call of an audited arena allocated, resized or freed a range.</summary>
public enum AuditCall
{
    /// <summary><c>Allocate</c> or <c>TryAllocate</c> (vmem_alloc). To be freed with <c>Free</c> or <c>FreeMany</c>.</summary>
    Allocate,

    /// <summary><c>AllocateConstrained</c> or <c>TryAllocateConstrained</c> (vmem_xalloc). To be freed with
    /// <c>FreeConstrained</c>.</summary>
    AllocateConstrained,

    /// <summary><c>TryAllocateMany</c> or <c>TryAllocatePieces</c>. To be freed with <c>Free</c> or <c>FreeMany</c>.</summary>
    AllocateMany,

    /// <summary><c>TryAllocateHandle</c>. To be freed by the handle, or by address with either call.</summary>
    AllocateHandle,

    /// <summary>An arena that has this one as its source imported a span.</summary>
    Import,

    /// <summary><c>Restore</c>: a snapshot does not tell how a range was allocated, so either call may free it.</summary>
    Restore,

    /// <summary>No range is recorded by this call: one that is granted to a call that waited is recorded as that call. The name stays for
    /// those who have used it.</summary>
    Grant,

    /// <summary><c>Free</c> (vmem_free).</summary>
    Free,

    /// <summary><c>FreeConstrained</c> (vmem_xfree).</summary>
    FreeConstrained,

    /// <summary><c>FreeMany</c>.</summary>
    FreeMany,

    /// <summary><c>Free</c> by handle.</summary>
    FreeHandle,

    /// <summary>An arena that has this one as its source gave a span back; frees a range whichever way it was allocated.</summary>
    Release,

    /// <summary><c>TryExtend</c>.</summary>
    Extend,

    /// <summary><c>TryAllocateAt</c> or <c>AllocateAtMany</c>. Either call frees it.</summary>
    AllocateAt,

    /// <summary><c>Reserve</c>. Either call frees it.</summary>
    Reserve,

    /// <summary><c>Split</c>. The second range belongs to the call that allocated the whole.</summary>
    Split,

    /// <summary><c>FreePart</c>; frees a part of a range whichever way it was allocated.</summary>
    FreePart,

    /// <summary><c>TryMove</c>. The range still belongs to the call that allocated it.</summary>
    Move,

    /// <summary><c>FreeAfter</c>; frees a range whichever way it was allocated.</summary>
    FreeAfter,

    /// <summary><c>FreeAt</c>; frees a range whichever way it was allocated.</summary>
    FreeAt,

    /// <summary><c>Revoke</c>; ends a range whichever way it was allocated.</summary>
    Revoke,
}
