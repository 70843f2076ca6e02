namespace Vmem.Leasing.Sqlite.Machine;

/// <summary>What a session is to the store; the numbers are those in the file.</summary>
internal enum SessionStage
{
    Live,
    Lapsed,
    Dead,

    /// <summary>Dead, and all that it held is reclaimed.</summary>
    Gone,
}

/// <summary>A session as the file has it. Times are UTC ticks.</summary>
internal sealed class SessionRow(long id, Guid instance, long ttl)
{
    public long Id { get; } = id;

    public Guid Instance { get; } = instance;

    public long Ttl { get; } = ttl;

    public SessionStage Stage { get; set; }

    public long Quarantine { get; set; }

    public long Expires { get; set; }

    public long Lapsed { get; set; }

    public long Latest { get; set; }

    /// <summary>What it holds is not reclaimed, but inherited.</summary>
    public bool IsNamed { get; init; }
}
