using System.Diagnostics;
using System.Globalization;

namespace Vmem.Samples;

/// <summary>A server's process, as its parent sees it.</summary>
internal sealed class ServerProcess
{
    private readonly Process _process;

    private ServerProcess(Process process) => _process = process;

    /// <summary>Starts one, and shows what it says when it has its ports.</summary>
    public static async Task<ServerProcess> StartAsync(string file, string owner, ushort first)
    {
        string assembly = typeof(ServerProcess).Assembly.Location;
        ProcessStartInfo start = new("dotnet", [assembly, "server", file, owner, first.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        Process process = Process.Start(start)!;
        string line = await process.StandardOutput.ReadLineAsync()
            ?? throw new InvalidOperationException($"{owner} did not start: it has said why.");
        Console.WriteLine(line);
        return new ServerProcess(process);
    }

    public async Task StopAsync()
    {
        await _process.StandardInput.WriteLineAsync();
        await _process.WaitForExitAsync();
    }

    public void Kill()
    {
        _process.Kill();                                       // nothing, if it has ended
        _process.WaitForExit();
    }
}
