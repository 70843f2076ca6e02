using System.Diagnostics;

namespace Vmem.Leasing;

/// <summary>How a <see cref="SqliteLeaseStore"/> uses its file.</summary>
[DebuggerDisplay("migrates: {Migrates}, read only: {IsReadOnly}")]
public sealed record SqliteLeaseStoreOptions
{
    /// <summary>Whether the first call makes the file and its tables, or brings them up to date. True, unless set.</summary>
    public bool Migrates { get; init; } = true;

    /// <summary>Whether nothing is ever written. Then only what reads can be asked.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>True, unless set: what was answered is on the disk. False: it survives the death of every process, and after a power
    /// failure the last answers may be forgotten, with no hold to follow.</summary>
    public bool SurvivesPowerLoss { get; init; } = true;

    /// <summary>How long a call waits for another process that writes. 5 seconds, unless set.</summary>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The store's clock; all processes of a file must have the same.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>For tests of a full disk: how large the file may become.</summary>
    internal int? MaxPages { get; init; }

    internal void Check()
    {
        ArgumentNullException.ThrowIfNull(TimeProvider);
        if (BusyTimeout < TimeSpan.Zero || BusyTimeout > TimeSpan.FromHours(1))
        {
            throw new ArgumentException($"A busy time-out of {BusyTimeout} is not between 0 and an hour.");
        }
    }
}
