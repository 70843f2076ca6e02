namespace Vmem.Samples.Language;

/// <summary>A script that cannot be compiled, or had to be stopped: where, what was wrong, and what its author can do.</summary>
internal sealed class ScriptException(string script, int line, string problem, string advice)
    : Exception($"{script}, line {line}: {problem}. {advice}.")
{
    public string Script { get; } = script;

    public int Line { get; } = line;

    public string Problem { get; } = problem;

    public string Advice { get; } = advice;
}
