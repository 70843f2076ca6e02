namespace Vmem.Samples.Execution;

/// <summary>What a script may not do, told by a part of the machine that does not know the line; the machine adds it.</summary>
internal sealed class ScriptFault(string problem, string advice) : Exception(problem)
{
    public string Problem { get; } = problem;

    public string Advice { get; } = advice;
}
