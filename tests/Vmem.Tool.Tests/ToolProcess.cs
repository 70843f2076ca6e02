using System.Diagnostics;

namespace Vmem.Tool.Tests;

/// <summary>The whole tool as a process of its own: with a current folder, and with standard streams that the system knows.</summary>
internal sealed record ToolProcess(int ExitCode, string Output, string Error)
{
    public static Task<ToolProcess> RunInAsync(string folder, CancellationToken cancellationToken, params string[] args) =>
        EndAsync(Start(folder, args), cancellationToken);

    /// <summary>Its standard output is a device on which there is no room.</summary>
    public static Task<ToolProcess> RunFullAsync(CancellationToken cancellationToken, params string[] args) =>
        EndAsync(Start(Redirected("sh", ["-c", "exec \"$@\" > /dev/full", "sh", .. ToolRun.Self, .. args])), cancellationToken);

    public static Process Start(string folder, params string[] args)
    {
        ProcessStartInfo start = Redirected(ToolRun.Self[0], [.. ToolRun.Self.Skip(1), .. args]);
        start.WorkingDirectory = folder;
        return Start(start);
    }

    private static Process Start(ProcessStartInfo start) => Process.Start(start)!;

    private static ProcessStartInfo Redirected(string program, IEnumerable<string> args) => new(program, args)
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    };

    private static async Task<ToolProcess> EndAsync(Process started, CancellationToken cancellationToken)
    {
        using Process process = started;
        using CancellationTokenRegistration killing = cancellationToken.Register(process.Kill);
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync(cancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return new ToolProcess(process.ExitCode, output, await error);
    }
}
