using System.Diagnostics;

namespace Vmem.Memory.Tests.Platform;

/// <summary>Runs one test of this program in a process of its own, for what a process does not survive, or should not.</summary>
internal static class ChildProcess
{
    /// <summary>How it ended and what it said. The test is one that runs only when asked for (<c>Explicit</c>).</summary>
    public static (int ExitCode, string Output) Run(Type tests, string method, params (string Name, string Value)[] environment)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments = ["--explicit", "only", "--filter-method", $"{tests.FullName}.{method}", "--progress", "off"];
        Array.ForEach(arguments, start.ArgumentList.Add);
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        Array.ForEach(environment, variable => start.Environment[variable.Name] = variable.Value);
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        output += errors.GetAwaiter().GetResult();
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}
