using Vmem.Tool.Blocks;
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

    /// <summary>How many characters fit on a line of standard output; null: as the terminal says.</summary>
    public int? Columns { get; init; }

    /// <summary>What memory there is to be had; null where the system does not tell.</summary>
    public Func<AvailableMemory?> Memory { get; init; } = static () => AvailableMemory.Read();

    /// <summary>How the tool is started once more: a program, and what comes before the arguments.</summary>
    public IReadOnlyList<string> Self { get; init; } = FindSelf();

    /// <summary>The folders where programs are looked for.</summary>
    public IReadOnlyList<string> SearchPath { get; init; } = (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);

    public static ToolConsole System() => new(Console.OpenStandardInput, OutputPipe.Open(), Console.Error)
    {
        OutputIsTerminal = !Console.IsOutputRedirected,
        ErrorIsTerminal = !Console.IsErrorRedirected,
    };

    // Started by "dotnet", the tool is the first argument.
    private static string[] FindSelf()
    {
        string program = Environment.ProcessPath ?? throw new InvalidOperationException("The program does not know its own path.");
        return Path.GetFileNameWithoutExtension(program).Equals("dotnet", StringComparison.OrdinalIgnoreCase)
            ? [program, Environment.GetCommandLineArgs()[0]]
            : [program];
    }
}
