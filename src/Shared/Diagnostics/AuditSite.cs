using System.Globalization;

namespace Vmem.Diagnostics;

/// <summary>One audited call: which, from where, by whom and when. Made before the arena's lock is taken, and never changed.</summary>
internal sealed record AuditSite(AuditCall Call, string Stack, int ThreadId, string? ThreadName, DateTimeOffset Time)
{
    /// <summary>The site of a range that was granted during a call that frees, or during none that is known: not the owner's stack, but
    /// the one by which he got it.</summary>
    public static AuditSite Granted(AuditSite? during) => during is null
        ? new AuditSite(AuditCall.Grant, "   (the stack of who waited was not kept)", 0, null, default)
        : during with { Call = AuditCall.Grant };

    /// <summary>Whether the call is one after which the caller holds the range.</summary>
    public bool Allocates => Call <= AuditCall.Grant;

    /// <summary>Whether a range that this call allocated may be freed by that one: the paper's vmem_free goes with vmem_alloc, and
    /// vmem_xfree with vmem_xalloc.</summary>
    public bool GoesWith(AuditCall free) => Call switch
    {
        AuditCall.AllocateConstrained => free is not (AuditCall.Free or AuditCall.FreeMany),
        AuditCall.Allocate or AuditCall.AllocateMany => free is not AuditCall.FreeConstrained,
        _ => true,
    };

    /// <summary>The site as a paragraph of a message.</summary>
    public string Tell(string role)
    {
        string name = ThreadName is null ? "" : $" '{ThreadName}'";
        return string.Create(CultureInfo.InvariantCulture, $"\n{role} ({Call}) by thread {ThreadId}{name} at {Time:O}:\n{Stack}");
    }
}
