using Vmem.Leasing.Sqlite.Sql;

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
    /// <summary>What <see cref="Read"/> wants.</summary>
    public const string Columns = "id, ttl, state, quarantine, expires, coalesce(lapsed, 0), latest, instance, name IS NOT NULL, process";

    public long Id { get; } = id;

    public Guid Instance { get; } = instance;

    public long Ttl { get; } = ttl;

    public SessionStage Stage { get; set; }

    public long Quarantine { get; set; }

    public long Expires { get; set; }

    public long Lapsed { get; set; }

    public long Latest { get; set; }

    /// <summary>What it holds is not reclaimed, but inherited.</summary>
    public bool IsNamed { get; set; }

    /// <summary>The lock that its process holds while it lives; null: none.</summary>
    public Guid? Process { get; init; }

    /// <summary>What it leaves to the next holder of an extent if it does not say (R10): the time that it promised not to pass. If it
    /// marked the extent, it has said.</summary>
    public long? LeftIn(in ExtentRow extent) => extent.IsMarked ? null : Latest;

    public static SessionRow Read(Rows rows) => new(rows.Number(0), rows.Id(7), rows.Number(1))
    {
        Stage = (SessionStage)rows.Number(2),
        Quarantine = rows.Number(3),
        Expires = rows.Number(4),
        Lapsed = rows.Number(5),
        Latest = rows.Number(6),
        IsNamed = rows.Number(8) != 0,
        Process = rows.IsNull(9) ? null : rows.Id(9),
    };
}
