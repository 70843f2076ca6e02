using System.Diagnostics;

namespace Vmem.Memory.Tests.Platform;

/// <summary>Runs one test of this program in a process of its own, for what a process does not survive, or should not.</summary>
internal static class ChildProcess
{
    private const int MostAttempts = 5;           // arbitrary

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

    /// <summary>The same of a test that leaves its process nothing of what the system limits.</summary>
    /// <remarks>The runtime ends the process when it can't map or unmap code: it shall map it once, and compile nothing in the background.
    /// If it wants a little memory of its own just then, for whatever else goes on in the process, there is nothing but to try
    /// again.</remarks>
    public static (int ExitCode, string Output) RunAtALimit(Type tests, string method)
    {
        (int exitCode, string output) = (0, "");
        for (int attempt = 0; attempt < MostAttempts; attempt++)
        {
            (exitCode, output) = Run(tests, method, ("DOTNET_EnableWriteXorExecute", "0"), ("DOTNET_TieredCompilation", "0"));
            if (output.Trim() != "Out of memory." && !output.Contains("terminate called", StringComparison.Ordinal))
            {
                break;
            }
        }

        return (exitCode, output);
    }
}
