using System.Net;

namespace Vmem.Net;

/// <summary>Why a prefix is not to be had.</summary>
public enum PrefixObstacle
{
    /// <summary>Nothing free is large enough.</summary>
    NoRoom,

    /// <summary>It lies, in part or wholly, outside the networks of the pool.</summary>
    OutsidePool,

    /// <summary>It overlaps an exclusion of the pool.</summary>
    Excluded,

    /// <summary>Somebody has a part of it, or all.</summary>
    Taken,

    /// <summary>A part of it was freed and rests.</summary>
    Resting,
}

/// <summary>A prefix was asked for that is not to be had. Nothing was changed.</summary>
public sealed class PrefixUnavailableException : InvalidOperationException
{
    /// <summary>Says what stood in the way.</summary>
    /// <param name="obstacle">What it was.</param>
    /// <param name="message">The whole message.</param>
    /// <param name="holder">Who has the place; null: nobody, or no place was asked for.</param>
    public PrefixUnavailableException(PrefixObstacle obstacle, string message, PrefixAllocation? holder = null)
        : base(message)
    {
        Obstacle = obstacle;
        Holder = holder;
    }

    /// <summary>What stood in the way.</summary>
    public PrefixObstacle Obstacle { get; }

    /// <summary>The first prefix that somebody has, or that rests, in the place asked for; null where there is none.</summary>
    public PrefixAllocation? Holder { get; }
}
