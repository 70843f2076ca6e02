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
        string kind = "Arena",
        FitObstacle obstacle = FitObstacle.None,
        UInt128 obstacleStart = default,
        UInt128 obstacleSize = default,
        UInt128 limit = default)
        : base(string.Create(CultureInfo.InvariantCulture, $"{kind} '{arenaName}' has no room for {requested}. {explanation}"))
    {
        ArenaName = arenaName;
        Requested = requested;
        Free = free;
        LargestFree = largestFree;
        Failure = failure;
        Obstacle = obstacle;
        ObstacleStart = obstacleStart;
        ObstacleSize = obstacleSize;
        Limit = limit;
    }

    /// <summary>The arena's name.</summary>
    public string ArenaName { get; }

    /// <summary>The size asked for, rounded up to the quantum; by a buddy allocator to a block, unless no block of it could be so
    /// long.</summary>
    public UInt128 Requested { get; }

    /// <summary>What was free in total.</summary>
    public UInt128 Free { get; }

    /// <summary>The largest free segment.</summary>
    public UInt128 LargestFree { get; }

    /// <summary>Why nothing fitted.</summary>
    public FitFailure Failure { get; }

    /// <summary>What is in the way at the place or in the window that was asked for: see <see cref="FitReport{T}.Obstacle"/>.</summary>
    public FitObstacle Obstacle { get; }

    /// <summary>Where the segment begins that takes the place, or the part of it that lies in no span.</summary>
    public UInt128 ObstacleStart { get; }

    /// <summary>How long that is; 0 if there is none.</summary>
    public UInt128 ObstacleSize { get; }

    /// <summary>The arena's <see cref="ArenaOptions{T}.Limit"/>, if that forbade an import that might have helped; else 0.</summary>
    public UInt128 Limit { get; }
}
