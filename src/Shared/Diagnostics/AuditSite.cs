using System.Globalization;

namespace Vmem.Diagnostics;

/// <summary>One audited call: which, from where, by whom and when. Made before the arena's lock is taken, and never changed.</summary>
internal sealed record AuditSite(AuditCall Call, string Stack, int ThreadId, string? ThreadName, DateTimeOffset Time)
{
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
