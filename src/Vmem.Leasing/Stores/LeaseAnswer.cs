using System.Diagnostics;

namespace Vmem.Leasing;

/// <summary>What came of a request.</summary>
public enum LeaseVerdict
{
    /// <summary>It was granted.</summary>
    Granted,

    /// <summary>No free extent is long enough. A sweep may help, and time.</summary>
    NoRoom,

    /// <summary>The store has failed over not long ago and grants nothing yet.</summary>
    OnHold,

    /// <summary>The session has expired or is unknown. A renewal may revive it.</summary>
    SessionNotLive,
}

/// <summary>The answer to a request.</summary>
/// <param name="Verdict">What came of it.</param>
/// <param name="Claim">The lease, if it was granted.</param>
/// <param name="Watermark">What former holders of any of its values left: the last time that one may have used.</param>
[DebuggerDisplay("{Verdict}: {Claim}")]
public readonly record struct LeaseAnswer(LeaseVerdict Verdict, LeaseClaim? Claim = null, long? Watermark = null);
