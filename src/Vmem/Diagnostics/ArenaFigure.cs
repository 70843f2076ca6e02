namespace Vmem;

/// <summary>What is measured of an arena. The first <see cref="MeteredArena.Levels"/> are levels, the others counts that only
/// grow.</summary>
internal enum ArenaFigure
{
    Size,
    InUse,
    Cached,
    Imported,
    Allocations,
    Frees,
    Failures,
    Waits,
}

/// <summary>An arena of any integer type, as the metrics see it.</summary>
internal interface IMetered
{
    string Name { get; }

    /// <summary>One figure at this moment; false if the arena has been disposed.</summary>
    bool TryRead(ArenaFigure figure, out long value);
}
