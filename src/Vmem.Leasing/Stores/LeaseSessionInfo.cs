using System.Diagnostics;

namespace Vmem.Leasing;

/// <summary>What a session is to its store.</summary>
public enum LeaseSessionStage
{
    /// <summary>It is renewed.</summary>
    Live,

    /// <summary>It fell silent. A renewal revives it.</summary>
    Lapsed,

    /// <summary>It is over, and what it still holds is yet to be reclaimed.</summary>
    Dead,
}

/// <summary>A session as its store knows it.</summary>
/// <param name="Session">Its number.</param>
/// <param name="Owner">Whose it is, for people.</param>
/// <param name="Stage">What it is. One whose time is up lapses at the next sweep.</param>
/// <param name="Ttl">How long silence is believed.</param>
/// <param name="ExpiresAt">When its time is up, by the store's clock.</param>
/// <param name="Beat">How often it was renewed.</param>
/// <param name="Held">How many leases it holds.</param>
[DebuggerDisplay("{Owner,nq}: {Stage}, {Held} held, until {ExpiresAt}")]
public sealed record LeaseSessionInfo(Guid Session, string Owner, LeaseSessionStage Stage, TimeSpan Ttl, DateTimeOffset ExpiresAt,
    long Beat, long Held);
