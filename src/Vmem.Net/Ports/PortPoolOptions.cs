using System.Diagnostics;

namespace Vmem.Net;

/// <summary>How a pool finds out that a port is used on this machine. Flags.</summary>
[Flags]
public enum PortChecks
{
    /// <summary>Not at all: the pool knows only what it gave itself.</summary>
    None = 0,

    /// <summary>When the pool is made, all ports with a listener are set aside at once
    /// (<see cref="System.Net.NetworkInformation.IPGlobalProperties"/>).</summary>
    Listeners = 1,

    /// <summary>Each port is bound for a moment before it is given: for TCP and UDP, IPv4 and IPv6. It says whether it could be
    /// bound then, and no more.</summary>
    Bind = 2,
}

/// <summary>How a <see cref="PortPool"/> behaves.</summary>
[DebuggerDisplay("{Policy}, reuse after {ReuseDelay}")]
public sealed record PortPoolOptions
{
    /// <summary>How the pool finds out that a port is used on this machine. The list saves failed attempts. Binding finds each port
    /// whose bind would fail at that moment. On Linux a TCP port that another program has bound, but does not listen on yet, may not be
    /// among them.</summary>
    public PortChecks Checks { get; init; } = PortChecks.Listeners | PortChecks.Bind;

    /// <summary>A check of your own, in place of <see cref="Checks"/>: whether a port is used, on another machine or in a container, say.
    /// Called by threads that allocate, under no lock.</summary>
    public Func<int, bool>? IsInUse { get; init; }

    /// <summary>For how long a port that was found in use is set aside, from the end of the call that found it, before it is tried
    /// again.</summary>
    public TimeSpan RecheckAfter { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long each freed port rests before anybody gets it. Zero: not at all.</summary>
    public TimeSpan ReuseDelay { get; init; }

    /// <summary>Which free port serves a request without a key. First fit takes the lowest, next fit goes round, random fit cannot be
    /// foretold.</summary>
    public FitPolicy Policy { get; init; } = FitPolicy.FirstFit;

    /// <summary>The clock of the rests.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Where the ports come from: another arena, of other processes too. Null: all ports of the range are the pool's.</summary>
    public IArenaSource<ushort>? Source { get; init; }
}
