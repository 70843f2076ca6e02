namespace Vmem.Testing.Generation;

/// <summary>An arena to begin with and what is done to it.</summary>
public sealed record ArenaScenario(ArenaLayout Layout, IReadOnlyList<ArenaStep> Steps)
{
    public ArenaScenario Take(int count) => this with { Steps = [.. Steps.Take(count)] };

    public override string ToString() => $"{Layout}\n{string.Join('\n', Steps)}";
}
