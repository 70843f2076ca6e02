using System.Diagnostics;
using System.Reflection;

namespace Vmem.Benchmarks.Measurement;

/// <summary>This program once more, for one measurement: a process's memory remembers who was there before.</summary>
internal static class ChildProcess
{
    /// <summary>What it printed.</summary>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public static string Run(params IEnumerable<string> arguments)
    {
        using Process child = Start([.. arguments]);
        string output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        return child.ExitCode == 0
            ? output
            : throw new InvalidOperationException($"The child process \"{string.Join(' ', child.StartInfo.ArgumentList)}\" ended with exit code {child.ExitCode}.");
    }

    /// <summary>Starts it; its input and output are the caller's.</summary>
    public static Process Start(params string[] arguments)
    {
        string self = Environment.ProcessPath ?? throw new InvalidOperationException("The program does not know its own path.");
        var start = new ProcessStartInfo(self) { RedirectStandardInput = true, RedirectStandardOutput = true };
        // Room for jemalloc's thread-local storage; glibc reads it when a process starts.
        start.Environment.TryAdd("GLIBC_TUNABLES", "glibc.rtld.optional_static_tls=16384");
        if (Path.GetFileNameWithoutExtension(self).Equals("dotnet", StringComparison.OrdinalIgnoreCase))
        {
            start.ArgumentList.Add(Assembly.GetExecutingAssembly().Location);
        }

        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }
}
