using Spectre.Console;

namespace Vmem.Tool.Commands;

/// <summary>Spectre's consoles over our writers.</summary>
internal static class Terminals
{
    // Wide enough for five policies with ten-digit figures; where no one looks, no width is given.
    private const int RedirectedWidth = 120;

    /// <param name="writer">Where to.</param>
    /// <param name="isTerminal">Whether a person looks at it.</param>
    /// <param name="columns">How many characters fit on a line; null: as many as the terminal says.</param>
    public static IAnsiConsole Create(TextWriter writer, bool isTerminal, int? columns = null)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = isTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            Interactive = isTerminal ? InteractionSupport.Detect : InteractionSupport.No,
        });
        if (!isTerminal)
        {
            console.Profile.Width = RedirectedWidth;
            console.Profile.Capabilities.Unicode = true;
        }

        console.Pipeline.Attach(new PlainTextHook());
        if (columns is { } width)
        {
            console.Profile.Width = width;
        }

        return console;
    }
}
