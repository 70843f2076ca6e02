using System.Globalization;

namespace Vmem;

/// <summary>A well-formed request found no room. Carries what was asked for, what is free, and why nothing fitted; the amounts are widened
/// so that one type serves every arena.</summary>
public sealed class ArenaExhaustedException : InvalidOperationException
{
    internal ArenaExhaustedException(
        string arenaName,
        UInt128 requested,
        UInt128 free,
        UInt128 largestFree,
        FitFailure failure,
        string explanation,
        string kind = "Arena")
        : base(string.Create(CultureInfo.InvariantCulture, $"{kind} '{arenaName}' has no room for {requested}. {explanation}"))
    {
        ArenaName = arenaName;
        Requested = requested;
        Free = free;
        LargestFree = largestFree;
        Failure = failure;
    }

    /// <summary>The arena's name.</summary>
    public string ArenaName { get; }

    /// <summary>The size asked for, rounded up to the quantum.</summary>
    public UInt128 Requested { get; }

    /// <summary>What was free in total.</summary>
    public UInt128 Free { get; }

    /// <summary>The largest free segment.</summary>
    public UInt128 LargestFree { get; }

    /// <summary>Why nothing fitted.</summary>
    public FitFailure Failure { get; }
}
