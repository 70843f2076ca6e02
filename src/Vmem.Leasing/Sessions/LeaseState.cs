using System.Diagnostics;

namespace Vmem.Leasing;

/// <summary>What a session is worth at this moment.</summary>
public enum LeaseState
{
    /// <summary>What it leases may be used.</summary>
    Live,

    /// <summary>The store has not answered in time. Nothing may be used or handed out. What is held is kept: the session may
    /// resume.</summary>
    Suspended,

    /// <summary>It is over. Whatever was leased may be somebody else's.</summary>
    Lost,
}

/// <summary>A change of a session's state.</summary>
/// <param name="From">What it was.</param>
/// <param name="To">What it is.</param>
/// <param name="Reason">Why, for people.</param>
[DebuggerDisplay("{From} to {To}: {Reason,nq}")]
public sealed record LeaseStateChange(LeaseState From, LeaseState To, string Reason);
