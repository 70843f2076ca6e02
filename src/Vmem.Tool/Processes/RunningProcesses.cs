using System.Diagnostics;
using Microsoft.Diagnostics.NETCore.Client;

namespace Vmem.Tool.Processes;

/// <summary>The .NET programs of this user.</summary>
internal static class RunningProcesses
{
    /// <summary>How long one program may take to say whether it has arenas. One that has, answers in some milliseconds.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    /// <summary>Those that have arenas, by number, and what they say of themselves.</summary>
    public static IReadOnlyList<(int Pid, string Name, Rundown Rundown)> WithArenas(CancellationToken cancellationToken)
    {
        int[] pids = [.. DiagnosticsClient.GetPublishedProcesses().Where(static pid => pid != Environment.ProcessId)];
        Rundown?[] rundowns = new Rundown?[pids.Length];
        Parallel.For(0, pids.Length, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellationToken }, i =>
        {
            try
            {
                rundowns[i] = Rundown.Of(pids[i], arena: null, s_patience, cancellationToken);
            }
            catch (Exception fault) when (fault is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                // It has ended, is stopped, or another user's. One that cannot be asked hides no other.
            }
        });
        return [.. pids.Zip(rundowns).Where(static each => each.Second is { IsComplete: true })
            .Select(static each => (each.First, NameOf(each.First), each.Second!)).OrderBy(static each => each.First)];
    }

    public static string NameOf(int pid)
    {
        try
        {
            using Process process = Process.GetProcessById(pid);
            return process.ProcessName;
        }
        catch (Exception fault) when (fault is ArgumentException or InvalidOperationException)
        {
            return "?";
        }
    }
}
