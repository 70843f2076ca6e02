namespace Vmem.Diagnostics;

/// <summary>An arena of any integer type, a heap or a pool, as the metrics see it.</summary>
internal interface IMetered
{
    string Name { get; }

    /// <summary>One figure at this moment, by its number within its kind (<see cref="MeteredKind"/>); false if what is measured has been
    /// disposed of.</summary>
    bool TryRead(int figure, out long value);
}

/// <summary>What all that is measured by the same instruments has in common.</summary>
/// <param name="NameTag">The tag for its name.</param>
/// <param name="InstanceTag">The tag for its number, if another one had the name first.</param>
/// <param name="Levels">How many of its figures, the first ones, go up and down; the others are counts that only grow.</param>
/// <param name="Figures">How many figures it has.</param>
internal sealed record MeteredKind(string NameTag, string InstanceTag, int Levels, int Figures);
