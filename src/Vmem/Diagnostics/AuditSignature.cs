namespace Vmem.Diagnostics;

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
