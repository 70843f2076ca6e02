using System.Globalization;

namespace Vmem.Memory.Tests.Isolation.Model;

/// <summary>What a step does.</summary>
public enum ContextStepKind
{
    CreateClient,
    DisposeClient,
    Allocate,
    Free,
    Reallocate,
    Resize,
    WrongFree,
    Overrun,
    Scribble,
    Trim,
    TrimContext,
}

/// <summary>
/// One step. It means something in every state, for it points at clients and blocks by index, modulo how many there are: a shrinker may
/// drop or simplify any step.
/// </summary>
/// <param name="Kind">What to do.</param>
/// <param name="Client">Which client.</param>
/// <param name="Target">Which of its blocks.</param>
/// <param name="Size">A size in bytes, or a quota, or where in a block.</param>
/// <param name="Flavor">Which of several calls, or which sort of mistake.</param>
public readonly record struct ContextStep(ContextStepKind Kind, int Client, int Target, int Size, int Flavor)
{
    /// <summary>As C#.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"new(ContextStepKind.{Kind}, {Client}, {Target}, {Size}, {Flavor}),");
}
