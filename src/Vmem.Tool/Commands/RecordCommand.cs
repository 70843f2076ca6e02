using System.CommandLine;
using System.CommandLine.Parsing;

namespace Vmem.Tool.Commands;

/// <summary><c>vmem record -- PROGRAM ARGS…</c>: a recording for <c>vmem replay</c>, made by heaptrack.</summary>
internal static class RecordCommand
{
    public const string Name = "record";

    private const string Description =
        """
        Runs a program and records its memory behaviour, with heaptrack, which must be installed. The program has the terminal, and vmem ends with its
        exit status.

        Everything behind "--" is the program and its arguments:  vmem record -o sqlite -- sqlite3 :memory: .help
        """;

    public static Command Create(ToolConsole console)
    {
        var program = new Argument<string[]>("PROGRAM") { Description = "The program and its arguments, behind \"--\".", Arity = ArgumentArity.OneOrMore };
        var output = new Option<string?>("--output", "-o")
        {
            Description = "Where the recording goes; heaptrack appends .zst or .gz, and .raw with --raw. [default: heaptrack.PROGRAM.NUMBER]",
            HelpName = "FILE",
        };
        var raw = new Option<bool>("--raw")
        {
            Description = "Every object by its address, so that the replay frees exactly what the program freed; but call stacks without names of functions.",
        };
        var replay = new Option<bool>("--replay") { Description = "Replays the recording at once, as \"vmem replay FILE\" does." };
        var command = new Command(Name, Description) { program, output, raw, replay };
        command.SetAction((parsed, cancellationToken) =>
        {
            var run = new RecordRun(console)
            {
                // Without it the program's own -o would be taken for that of vmem.
                IsSetApart = parsed.Tokens.Any(token => token.Type == TokenType.DoubleDash),
                Program = parsed.GetRequiredValue(program),
                Output = parsed.GetValue(output),
                IsRaw = parsed.GetValue(raw),
            };
            return ExecuteAsync(console, run, parsed.GetValue(replay), cancellationToken);
        });
        return command;
    }

    private static async Task<int> ExecuteAsync(ToolConsole console, RecordRun run, bool replay, CancellationToken cancellationToken)
    {
        int result = await ToolCommand.RunAsync(console, run.Execute, cancellationToken);
        if (result != ExitCodes.Success || !replay)
        {
            return result == ExitCodes.Success ? run.ProgramStatus : result;
        }

        result = await ToolCommand.InvokeAsync(["replay", run.File], console, cancellationToken);
        return run.ProgramStatus != 0 ? run.ProgramStatus : result;
    }
}
