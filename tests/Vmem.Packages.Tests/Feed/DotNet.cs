using System.Diagnostics;
using System.Text;

namespace Vmem.Packages.Tests.Feed;

/// <summary>What a command printed, both of its streams together, and its exit code.</summary>
internal sealed record CommandResult(string Command, int ExitCode, string Output)
{
    public CommandResult Succeeded()
    {
        Assert.True(ExitCode == 0, $"'{Command}' ended with exit code {ExitCode}:\n{Output}");
        return this;
    }

    public CommandResult WithoutWarnings()
    {
        Assert.DoesNotContain("warning ", Output, StringComparison.Ordinal);
        return this;
    }
}

/// <summary>Runs the SDK and what it built, as a user at a terminal would.</summary>
internal static class DotNet
{
    // Ten times what the longest command, a publication ahead of time, took on two busy cores: a child that hangs must not hang the tests.
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(20);

    public static CommandResult Run(string folder, params string[] arguments) => RunProgram("dotnet", folder, arguments);

    public static CommandResult RunProgram(string program, string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        // The test's own process was started by the SDK, whose settings are not those of a user's shell.
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
        {
            start.Environment.Remove(name);
        }

        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";

        var output = new StringBuilder();
        void Append(object sender, DataReceivedEventArgs line)
        {
            lock (output)
            {
                output.AppendLine(line.Data);
            }
        }

        using var process = new Process { StartInfo = start };
        process.OutputDataReceived += Append;
        process.ErrorDataReceived += Append;
        process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (!process.WaitForExit(s_limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"'{program} {string.Join(' ', arguments)}' hangs. It printed:\n{output}");
        }

        process.WaitForExit();   // for the rest of its output
        return new CommandResult($"{program} {string.Join(' ', arguments)}", process.ExitCode, output.ToString());
    }
}
