using Spectre.Console;
using Vmem.Tool.Files;
using Vmem.Tool.Reports;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Commands;

/// <summary>Runs a part of a replay, with a progress bar on standard error if wanted.</summary>
/// <remarks>It returns when the work has ended and not before, also after Ctrl-C: what the work uses may be disposed of then. Work that
/// hangs in a read is left behind with its caller, see <see cref="ToolCommand.RunAsync"/>.</remarks>
internal static class ReplayProgress
{
    // Ten times a second looks smooth; arbitrary.
    private static readonly TimeSpan s_refresh = TimeSpan.FromMilliseconds(100);

    /// <param name="visible">Whether there is a bar.</param>
    /// <param name="console">Where it goes.</param>
    /// <param name="inputs">What is read; none where progress cannot be told.</param>
    /// <param name="doing">What is done with it, before its name; empty for the main thing.</param>
    /// <param name="work">Does it, and ends soon after Ctrl-C.</param>
    /// <param name="cancellationToken">Ends the bar.</param>
    public static void Run(
        bool visible, ToolConsole console, IReadOnlyList<TraceInput> inputs, string doing, Action work, CancellationToken cancellationToken)
    {
        if (!visible)
        {
            work();
            return;
        }

        Task task = Task.Run(work, CancellationToken.None);
        string name = doing + inputs.Count switch { 0 => string.Empty, 1 => inputs[0].Name, _ => $"{inputs.Count} recordings" };
        Terminals.Create(console.Error, console.ErrorIsTerminal).Progress().AutoClear(true)
            .Columns(inputs.Count == 0
                ? [new TaskDescriptionColumn(), new ProgressBarColumn(), new ElapsedTimeColumn()]
                : [new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn()])
            .Start(context => Watch(context, task, inputs, name, cancellationToken));
        task.GetAwaiter().GetResult();
    }

    private static void Watch(
        ProgressContext context,
        Task task,
        IReadOnlyList<TraceInput> inputs,
        string name,
        CancellationToken cancellationToken)
    {
        long? length = inputs.Sum(input => input.Length ?? 0) is > 0 and long sum
            && inputs.All(input => input.Length is not null) ? sum : null;
        ProgressTask bar = context.AddTask(Markup.Escape(PlainText.Of(name)), maxValue: length ?? 1);
        bar.IsIndeterminate = length is null;
        while (!cancellationToken.IsCancellationRequested && Task.WaitAny([task], s_refresh) < 0)
        {
            long read = inputs.Sum(input => input.BytesRead);
            if (length is not null)
            {
                bar.Value = read;
            }
            else if (inputs.Count > 0)
            {
                bar.Description = Markup.Escape(PlainText.Of($"{name}, {Units.Bytes(read)} read"));
            }
        }
    }
}
