using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Vmem.Tool.Files;
using Vmem.Tool.Reports;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Commands;

/// <summary>
/// The command <c>vmem</c>. Every error ends here, as one line on standard error and an exit code: 1 where an input is wrong, 2 where the
/// command line is, 130 after Ctrl-C.
/// </summary>
internal static class ToolCommand
{
    /// <summary>What most commands leave when they are interrupted.</summary>
    public const string NothingWritten = "nothing was written";

    // Arbitrary: whatever ends when it is told to does so well before.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    // Then the process ends without a word. By default that is after two seconds, and on a busy machine the word could come too late.
    private static readonly TimeSpan s_mostPatience = TimeSpan.FromSeconds(20);

    public static async Task<int> InvokeAsync(string[] args, ToolConsole console, CancellationToken cancellationToken = default)
    {
        // Not a RootCommand: that would take the assembly's name in every usage line.
        var root = new Command("vmem", "Looks at what programs do with memory, and at what arenas do with ranges.")
        {
            new HelpOption(),
            new VersionOption(),
            ReplayCommand.Create(console),
            RecordCommand.Create(console),
            MapCommand.Create(console),
            PsCommand.Create(console),
            TopCommand.Create(console),
            ResidentCommand.Create(console),
            LeaseCommand.Create(console),
            CompletionCommand.Create(console),
        };
        root.Add(CompletionCommand.CreateAsked(console, root));
        ParseResult parsed = root.Parse(args);
        if (parsed.Action is ParseErrorAction)
        {
            foreach (System.CommandLine.Parsing.ParseError error in parsed.Errors)
            {
                await SayAsync(console, TextOf(error.Message));
            }

            await WriteAsync(console, $"Try \"{WordsOf(parsed.CommandResult.Command)} --help\".");
            return ExitCodes.WrongUsage;
        }

        var configuration = new InvocationConfiguration
        {
            Output = console.Output,
            Error = console.Error,
            EnableDefaultExceptionHandler = false,
            // While a program is recorded, Ctrl-C is for that program.
            ProcessTerminationTimeout = parsed.CommandResult.Command.Name == RecordCommand.Name ? null : s_mostPatience,
        };

        try
        {
            return await parsed.InvokeAsync(configuration, cancellationToken);
        }
        catch (ReaderGoneException)
        {
            return ExitCodes.Success;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // Help or a version that cannot be written; what commands throw was caught below.
            await SayAsync(console, fault.Message);
            return ExitCodes.BadInput;
        }
    }

    /// <summary>Runs a command's work away from the caller, so that Ctrl-C is answered even while a read from a pipe hangs.</summary>
    /// <remarks>Work that does not end is left to the end of the process, with all that it uses: to take that away would pull memory and
    /// streams from under a thread that runs.</remarks>
    /// <param name="console">Where errors go.</param>
    /// <param name="work">The work.</param>
    /// <param name="cancellationToken">Ctrl-C.</param>
    /// <param name="interrupted">What is then left; null: nothing was written.</param>
    public static async Task<int> RunAsync(ToolConsole console, Action work, CancellationToken cancellationToken,
        Func<string>? interrupted = null)
    {
        try
        {
            var done = Task.Run(work, CancellationToken.None);
            if (!await EndsAsync(done, cancellationToken))
            {
                throw new OperationCanceledException(cancellationToken);
            }

            await done;
            return ExitCodes.Success;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await SayAsync(console, $"interrupted; {interrupted?.Invoke() ?? NothingWritten}");
            return ExitCodes.Interrupted;
        }
        catch (UsageException fault)
        {
            await SayAsync(console, fault.Message);
            return ExitCodes.WrongUsage;
        }
        catch (Exception fault) when (fault is MalformedTraceException
            or SnapshotFormatException
            or IOException
            or UnauthorizedAccessException)
        {
            await SayAsync(console, fault.Message);
            return ExitCodes.BadInput;
        }
    }

    /// <summary>False for work that has not ended a moment after Ctrl-C.</summary>
    private static async Task<bool> EndsAsync(Task work, CancellationToken cancellationToken)
    {
        Task first = await Task.WhenAny(work, Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken));
        return first == work || await Task.WhenAny(work, Task.Delay(s_patience, CancellationToken.None)) == work;
    }

    // Messages quote what others wrote, and one is one line.
    private static Task SayAsync(ToolConsole console, string message) => WriteAsync(console, $"vmem: {PlainText.Of(message)}");

    private static async Task WriteAsync(ToolConsole console, string line)
    {
        try
        {
            await console.Error.WriteLineAsync(line);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // Standard error is closed or full: nobody is left to be told, and the exit code says it all the same.
        }
    }

    /// <summary>The parser says of a wrong number which type of .NET it was to be. Nobody on a command line knows those.</summary>
    private static string TextOf(string message) => message.IndexOf(" as expected type ", StringComparison.Ordinal) is > 0 and int end
        ? $"{message[..end]}: it is no number, or too large"
        : message;

    private static string WordsOf(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{WordsOf(parent)} {command.Name}" : command.Name;
}
