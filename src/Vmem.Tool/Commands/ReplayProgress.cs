using Spectre.Console;
using Vmem.Tool.Replay;
using Vmem.Tool.Reports;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Commands;

/// <summary>
/// Runs a replay on a thread of its own, with a progress bar on standard error if wanted, and gives up waiting for it a moment after
/// Ctrl-C: a read from a pipe that never speaks cannot be interrupted, and a replay has written nothing that would need care.
/// </summary>
internal static class ReplayProgress
{
    // Ten times a second looks smooth; arbitrary.
    private static readonly TimeSpan s_refresh = TimeSpan.FromMilliseconds(100);

    // A batch takes milliseconds: whoever is not done by then hangs in a read. Well below the two seconds after which the process is ended.
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(500);

    public static void Run(bool visible, ToolConsole console, TraceInput input, TraceReplay replay, CancellationToken cancellationToken)
    {
        Task work = Task.Run(() => replay.Run(cancellationToken), CancellationToken.None);
        if (visible)
        {
            Terminals.Create(console.Error, console.ErrorIsTerminal).Progress().AutoClear(true)
                .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
                .Start(context => Watch(context, work, input, cancellationToken));
        }

        WaitHandle.WaitAny([((IAsyncResult)work).AsyncWaitHandle, cancellationToken.WaitHandle]);
        if (!work.IsCompleted && Task.WaitAny([work], s_patience) < 0)
        {
            throw new OperationCanceledException(cancellationToken);
        }

        work.GetAwaiter().GetResult();
    }

    private static void Watch(ProgressContext context, Task work, TraceInput input, CancellationToken cancellationToken)
    {
        ProgressTask bar = context.AddTask(Markup.Escape(input.Name), maxValue: Math.Max(1, input.Length ?? 1));
        bar.IsIndeterminate = input.Length is null;
        while (!cancellationToken.IsCancellationRequested && Task.WaitAny([work], s_refresh) < 0)
        {
            if (input.Length is not null)
            {
                bar.Value = input.BytesRead;
            }
            else
            {
                bar.Description = Markup.Escape($"{input.Name}, {Units.Bytes(input.BytesRead)} read");
            }
        }
    }
}
