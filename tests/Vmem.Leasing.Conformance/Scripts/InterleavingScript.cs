namespace Vmem.Leasing.Conformance.Scripts;

/// <summary>What each of several clients does, one call after the other; to be run in every order of their calls.</summary>
/// <param name="Name">For people.</param>
/// <param name="Before">What happens before: the steps, and whose they are.</param>
/// <param name="Turns">The steps of each client.</param>
public sealed record InterleavingScript(string Name, IReadOnlyList<(int Client, ScriptStep Step)> Before, params ScriptStep[][] Turns)
{
    public IReadOnlyList<int> Lengths => [.. Turns.Select(static steps => steps.Length)];
}
