namespace Vmem.Tool.Commands;

/// <summary>What surrounds the tool: the three standard streams, and whether a person looks at two of them. Tests bring their own.</summary>
internal sealed record ToolConsole(Func<Stream> OpenInput, TextWriter Output, TextWriter Error)
{
    public bool OutputIsTerminal { get; init; }

    public bool ErrorIsTerminal { get; init; }

    public static ToolConsole System() => new(Console.OpenStandardInput, Console.Out, Console.Error)
    {
        OutputIsTerminal = !Console.IsOutputRedirected,
        ErrorIsTerminal = !Console.IsErrorRedirected,
    };
}
