using System.Diagnostics;
using System.Net;

namespace Vmem.Net;

/// <summary>How a <see cref="PrefixPool"/> behaves.</summary>
[DebuggerDisplay("{Policy}, reuse after {ReuseDelay}")]
public sealed record PrefixPoolOptions
{
    /// <summary>Prefixes of the networks that are never given: gateways, what others use. They may overlap each other, and reach out of
    /// the networks. One that is longer than the pool's unit excludes the whole unit. Not with <see cref="Source"/>.</summary>
    public IReadOnlyList<IPNetwork> Exclusions { get; init; } = [];

    /// <summary>Which free prefix serves a request. First fit takes the lowest. Best fit fills up small gaps, so that large prefixes stay
    /// whole.</summary>
    public FitPolicy Policy { get; init; } = FitPolicy.FirstFit;

    /// <summary>The longest IPv4 prefix that the pool gives: its unit.</summary>
    public int LongestV4 { get; init; } = 32;

    /// <summary>The longest IPv6 prefix that the pool gives: its unit. With 64, say, the pool knows of /64s and shorter ones
    /// only.</summary>
    public int LongestV6 { get; init; } = 128;

    /// <summary>How long each freed prefix rests before anybody gets it: packets for its last owner may still be under way. Zero: not at
    /// all.</summary>
    public TimeSpan ReuseDelay { get; init; }

    /// <summary>The clock of the rests.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>A pool that this one takes prefixes from when it runs out, and gives them back to as soon as they are free. It takes whole
    /// units of that pool (<see cref="LongestV4"/>, <see cref="LongestV6"/>).</summary>
    public PrefixPool? Source { get; init; }

    /// <exception cref="ArgumentException">The policy, the rest or the clock makes no sense. Units and exclusions are looked at where they
    /// are used: those of a snapshot are its own.</exception>
    internal void Check(string parameter)
    {
        if (!Enum.IsDefined(Policy))
        {
            throw new ArgumentOutOfRangeException(parameter, Policy, "There is no such policy.");
        }

        if (ReuseDelay < TimeSpan.Zero)
        {
            throw new ArgumentOutOfRangeException(parameter, ReuseDelay, "ReuseDelay must not be negative.");
        }

        ArgumentNullException.ThrowIfNull(TimeProvider, parameter);
    }
}
