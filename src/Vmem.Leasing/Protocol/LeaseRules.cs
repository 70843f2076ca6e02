namespace Vmem.Leasing.Protocol;

/// <summary>What a holder makes of the answer to a renewal.</summary>
internal enum Hearing
{
    /// <summary>Its deadline is later now.</summary>
    Extend,

    /// <summary>The store is another than before, or does not know all that the holder holds. Its deadline stays; it reasserts.</summary>
    Keep,

    /// <summary>It is over, for ever.</summary>
    End,
}

/// <summary>The comparisons of times that the protocol stands on. Stores in memory, sessions, and the exhaustive model check of the tests
/// all call these, so that what is checked is what runs.</summary>
/// <remarks>
/// <para>
/// Times are numbers of any unit. A holder's are of its own monotonic clock, a store's of the store's; the two are never compared (R1).
/// </para>
/// <para>
/// Why reuse is safe. A holder stops at its deadline, at most a TTL after it <em>sent</em> its last renewal that was heard. The store
/// stamps the lapse when the expiry, a TTL after it <em>received</em> that renewal, has passed. If its clock is right, the holder has
/// stopped. If the clock was stepped forward, the stamp came too early, but the quarantine is counted from it and is no shorter than a
/// TTL. If the step comes after the stamp, the stamp was right. So one step of any size frees nothing too early (R3); two within one
/// quarantine can.
/// </para>
/// <para>
/// A store that failed over may have forgotten the last grants, renewals and deaths. For two phases of the longest quarantine it grants and
/// reclaims nothing (R4). By then each holder has stopped or has been heard. Each phase is stamped when the one before has ended, so that
/// again one step of the clock ends only one. A holder that has stopped may have been dead before the failover, with its lease given away:
/// it never resumes (R5).
/// </para>
/// <para>
/// It may have forgotten arenas, too. One that is made again begins at the fences of its incarnation, under a number that none had. If its
/// quarantine is longer than the phases of a hold that is on, that begins anew.
/// </para>
/// </remarks>
internal static class LeaseRules
{
    /// <summary>How many phases a hold has. One is not enough: a step of the clock would end it.</summary>
    public const int HoldPhases = 2;

    /// <summary>How far fences jump at a failover: more than grants can have been lost. A replica that is 10^9 grants behind, at 1,000 a
    /// second, has not replicated for 11 days.</summary>
    public const long FenceJump = 1_000_000_000;

    /// <summary>How far the numbers of new arenas jump: more arenas than can have been lost. Whoever leased of one names its number, which
    /// must never be that of another.</summary>
    public const int ArenaJump = 100_000;

    /// <summary>How long a phase of a hold takes where no arena is known: as long as the quarantine that an arena has unless somebody says
    /// otherwise.</summary>
    public static readonly TimeSpan LeastPhase = TimeSpan.FromSeconds(30);

    /// <summary>Until when a holder believes in its session: counted from before the request was sent, as the answer may have been
    /// long under way.</summary>
    public static long Deadline(long sent, long term) => sent + term;

    /// <summary>Whether what is leased may be used.</summary>
    public static bool MayUse(long deadline, long now) => now < deadline;

    /// <summary>Until when a coarse clock, read when so much remained, shows that the deadline is yet to come.</summary>
    /// <remarks>A coarse clock shows the system's last tick. It takes a quarter of the time to read, and is milliseconds behind. It would
    /// have to fall behind by the other half of what remained for a holder to be wrong.</remarks>
    public static long SurelyUntil(long coarseNow, long remaining) => coarseNow + remaining / 2;

    /// <summary>Whether a session has been silent for its TTL: the first stamp.</summary>
    public static bool HasExpired(long expires, long now) => expires < now;

    /// <summary>Whether a session that was stamped so long ago is dead: the second.</summary>
    public static bool IsPast(long stamp, long quarantine, long now) => stamp + quarantine < now;

    /// <summary>Whether a phase of a hold is over.</summary>
    public static bool EndsPhase(long holdUntil, long now) => holdUntil <= now;

    /// <summary>What the answer to a renewal means to who sent it.</summary>
    /// <param name="holds">Whether it holds anything.</param>
    /// <param name="isSameServer">Whether the store's incarnation is the known one.</param>
    /// <param name="isPastDeadline">Whether the holder's own deadline had passed when it heard.</param>
    /// <param name="isKnown">Whether the store is known to know all that it holds.</param>
    public static Hearing Hear(bool holds, bool isSameServer, bool isPastDeadline, bool isKnown) =>
        !holds ? Hearing.Extend :
        !isSameServer && isPastDeadline ? Hearing.End :
        isKnown ? Hearing.Extend : Hearing.Keep;
}
