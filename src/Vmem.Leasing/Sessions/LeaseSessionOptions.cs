using System.Diagnostics;

namespace Vmem.Leasing;

/// <summary>How a session behaves; fixed when it is opened.</summary>
[DebuggerDisplay("{Owner,nq}: TTL {Ttl}, renewed every {RenewEvery}")]
public sealed record LeaseSessionOptions
{
    private static readonly TimeSpan s_leastTtl = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_mostTtl = TimeSpan.FromDays(49);         // a timer takes 2^32 - 2 ms: hours more

    private readonly TimeSpan? _renewEvery;

    /// <summary>Who holds the leases, for people: machine and process, unless set. It identifies nobody.</summary>
    public string Owner { get; init; } = $"{Environment.MachineName}/{Environment.ProcessId}";

    /// <summary>A stable name, such as that of a service: what the last session of the name left is inherited, and what this one leaves is
    /// kept for the next. Null, unless set: it gives everything back. Needs a store that knows which processes are dead
    /// (<c>SqliteLeaseStore</c>); of several processes with the name one has it.</summary>
    public string? Name { get; init; }

    /// <summary>How long the store believes in the session without hearing from it. 30 s unless set; at least 1 s, at most
    /// 49 days.</summary>
    /// <remarks>What a process held that died is free again after this and the arena's quarantine.</remarks>
    public TimeSpan Ttl { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often the session is renewed, at most a third of <see cref="Ttl"/>. A third unless set.</summary>
    public TimeSpan RenewEvery
    {
        get => _renewEvery ?? Ttl / 3;
        init => _renewEvery = value;
    }

    /// <summary>Which part of the TTL the session does not use itself, more than 0 and less than 0.5: for clocks that run at different
    /// rates, and for what is under way when the deadline passes. 0.1 unless set.</summary>
    public double Margin { get; init; } = 0.1;

    /// <summary>The clock. Deadlines use its monotonic time stamps only.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Called with what a store threw on the session's own task, or an event's handler: for logs. The session goes on. It
    /// must be quick, and not wait for the session: renewals wait for it. What this itself throws is ignored.</summary>
    public Action<Exception>? Faulted { get; init; }

    internal void Check()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(Owner);
        ArgumentNullException.ThrowIfNull(TimeProvider);
        string? fault =
            Ttl < s_leastTtl ? $"The TTL {Ttl} is below 1 s: a garbage collection or a slow disk would end the session." :
            Ttl > s_mostTtl ? $"The TTL {Ttl} is above {s_mostTtl.TotalDays} days: no timer runs so long." :
            RenewEvery <= TimeSpan.Zero || RenewEvery > Ttl / 3
                ? $"Renewing every {RenewEvery} is not often enough for a TTL of {Ttl}: at most every {Ttl / 3}, so that two may fail." :
            Name is { Length: 0 } ? "An empty name is no session's: leave it unset." :
            !(Margin > 0 && Margin < 0.5) ? $"The margin {Margin} is not between 0 and 0.5." : null;
        if (fault is not null)
        {
            throw new ArgumentException(fault, nameof(LeaseSessionOptions));
        }
    }
}
