using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Vmem.Samples.Tests.Documents;

/// <summary>A sample, as its project built it.</summary>
internal static class SampleProgram
{
    /// <summary>Starts it; what it prints is read by the caller, who ends it.</summary>
    public static Process Start(string sample, params string[] arguments)
    {
        // This program lies in bin/CONFIGURATION/FRAMEWORK of its own project.
        DirectoryInfo framework = new(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        string program = Path.Combine(Folder(), sample, "bin", framework.Parent!.Name, framework.Name, sample + ".dll");
        return Process.Start(new ProcessStartInfo("dotnet", [program, .. arguments]) { RedirectStandardOutput = true })!;
    }

    /// <summary>The samples' folder.</summary>
    public static string Folder([CallerFilePath] string path = "") => Path.Combine(Path.GetDirectoryName(path)!, "../../../samples");
}
