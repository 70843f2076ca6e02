using System.Diagnostics;
using System.Globalization;

namespace Vmem.Samples;

/// <summary>A worker's process, as its parent sees it.</summary>
internal sealed class WorkerProcess
{
    private readonly Process _process;
    private readonly string _output;

    private WorkerProcess(Process process, string output) => (_process, _output) = (process, output);

    public static WorkerProcess Start(string file, string output, long wanted, int bits)
    {
        string[] arguments =
        [
            typeof(WorkerProcess).Assembly.Location, "worker", file, output, wanted.ToString(CultureInfo.InvariantCulture),
            bits.ToString(CultureInfo.InvariantCulture),
        ];
        ProcessStartInfo start = new("dotnet", arguments) { RedirectStandardOutput = true };
        return new WorkerProcess(Process.Start(start)!, output);
    }

    public async Task UntilItHasMadeSomeAsync()
    {
        while (!_process.HasExited && !(File.Exists(_output) && new FileInfo(_output).Length > 0))
        {
            await Task.Delay(10);
        }
    }

    public async Task UntilItEndsAsync()
    {
        await _process.WaitForExitAsync();
        if (_process.ExitCode != 0)
        {
            throw new InvalidOperationException($"A worker ended with {_process.ExitCode}.");
        }
    }

    public void Kill()
    {
        _process.Kill();                                       // nothing, if it has ended
        _process.WaitForExit();
    }
}
