namespace Vmem.Testing.Exploration;

/// <summary>What some threads do with something that they share. Made anew for each schedule.</summary>
public sealed class Scenario
{
    /// <summary>What each thread does. It throws if it sees something wrong.</summary>
    public required IReadOnlyList<Action> Threads { get; init; }

    /// <summary>What each thread does before, in turn and undisturbed.</summary>
    public IReadOnlyList<Action> Before { get; init; } = [];

    /// <summary>Looks at the result when all threads have come to their end.</summary>
    public Action After { get; init; } = static () => { };
}
