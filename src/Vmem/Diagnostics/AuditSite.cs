using System.Globalization;

namespace Vmem;

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

/// <summary>Tells the audit, down the stack and past every lock, whose call this is. Calls nest: an audited arena may import from another,
/// and a source may call back.</summary>
/// <remarks>
/// Rejected: a parameter through every path of allocation, which each arena without an audit would carry along; and a field of the arena,
/// as the lock is given up in the middle of a call to ask the source.
/// </remarks>
internal readonly ref struct AuditSignature
{
    [ThreadStatic]
    private static AuditSite? t_site;

    [ThreadStatic]
    private static object? t_audit;

    private readonly AuditSite? _outerSite;
    private readonly object? _outerAudit;

    /// <summary>From now until <see cref="Dispose"/> what this audit notes on this thread is signed with this site.</summary>
    public AuditSignature(object audit, AuditSite site)
    {
        _outerSite = t_site;
        _outerAudit = t_audit;
        t_site = site;
        t_audit = audit;
    }

    /// <summary>The site that this audit's notes are signed with on this thread; null if the call under way is none of its.</summary>
    public static AuditSite? Of(object audit) => ReferenceEquals(t_audit, audit) ? t_site : null;

    public void Dispose()
    {
        t_site = _outerSite;
        t_audit = _outerAudit;
    }
}
