using Vmem.Tool.Replay;

namespace Vmem.Tool.Commands;

/// <summary>
/// What surrounds the tool: the three standard streams, and whether a person looks at two of them. Tests bring their own.
/// </summary>
internal sealed record ToolConsole(Func<Stream> OpenInput, TextWriter Output, TextWriter Error)
{
    public bool OutputIsTerminal { get; init; }

    public bool ErrorIsTerminal { get; init; }

    /// <summary>How long to warm up before anything is timed; less where no one looks at the times.</summary>
    public int WarmUpRounds { get; init; } = WarmUp.UsualRounds;

    public static ToolConsole System() => new(Console.OpenStandardInput, Console.Out, Console.Error)
    {
        OutputIsTerminal = !Console.IsOutputRedirected,
        ErrorIsTerminal = !Console.IsErrorRedirected,
    };
}
