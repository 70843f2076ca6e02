using System.Diagnostics;

namespace Vmem.Tool.Tests;

/// <summary>The whole tool as a process of its own: with a current folder, and with standard streams that the system knows.</summary>
internal sealed record ToolProcess(int ExitCode, string Output, string Error)
{
    public static Task<ToolProcess> RunAsync(params string[] args) => RunInAsync(Directory.GetCurrentDirectory(), args);

    public static async Task<ToolProcess> RunInAsync(string folder, params string[] args)
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        using Process process = Start(folder, args);
        using CancellationTokenRegistration killing = cancellationToken.Register(process.Kill);
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync(cancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return new ToolProcess(process.ExitCode, output, await error);
    }

    public static Process Start(string folder, params string[] args) => Process.Start(
        new ProcessStartInfo(ToolRun.Self[0], [.. ToolRun.Self.Skip(1), .. args])
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
}
