using System.Diagnostics;
using System.Globalization;

namespace Vmem.Benchmarks.Seen;

/// <summary><c>vmem top</c> as a process of its own, which looks at this one each second.</summary>
internal sealed class Watcher : IDisposable
{
    private readonly Process _tool;

    public Watcher()
    {
        string tool = Path.Combine(AppContext.BaseDirectory, "Vmem.Tool.dll");
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true };
        foreach (string argument in (string[])[tool, "top", "-p", Environment.ProcessId.ToString(CultureInfo.InvariantCulture), "--json"])
        {
            start.ArgumentList.Add(argument);
        }

        _tool = Process.Start(start)!;
        _tool.OutputDataReceived += (_, line) => Looks += line.Data is null ? 0 : 1;
        _tool.BeginOutputReadLine();
    }

    /// <summary>How often it has looked.</summary>
    public int Looks { get; private set; }

    public void Dispose()
    {
        _tool.Kill();
        _tool.WaitForExit();
        _tool.Dispose();
    }
}
