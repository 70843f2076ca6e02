namespace Vmem.Importing;

/// <summary>Whether a source is asked for a request.</summary>
internal enum ImportOutlook
{
    /// <summary>It is.</summary>
    Open,

    /// <summary>It is, but not for imports that the limit forbids and that might hold a place.</summary>
    Limited,

    /// <summary>It is not: the limit forbids every import that could help.</summary>
    Forbidden,

    /// <summary>It is not: no import could hold a place.</summary>
    Pointless,
}
