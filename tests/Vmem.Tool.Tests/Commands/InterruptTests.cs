using System.Diagnostics;
using System.Globalization;

namespace Vmem.Tool.Tests.Commands;

/// <summary>Ctrl-C as the operating system sends it, to the tool as a process of its own.</summary>
public sealed class InterruptTests
{
    [Fact]
    public async Task Sigint_ends_the_process_with_130_and_no_file()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no SIGINT to send to another process.");
        Assert.SkipWhen(IgnoresSigint(), "This process was started with SIGINT ignored, as background jobs of a shell are; its children would never see one.");
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        using var folder = new TempFolder();
        string tool = Path.Combine(AppContext.BaseDirectory, "Vmem.Tool.dll");
        var start = new ProcessStartInfo("dotnet", [tool, "replay", "-", "--report", folder.PathOf("a.html")])
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;

        // More than a pipe holds: once it is all written, the tool is reading, and so has its handler in place.
        await process.StandardInput.WriteAsync(Samples.Generate(100_000, 100, seed: 1).AsMemory(), cancellationToken);
        await process.StandardInput.FlushAsync(cancellationToken);
        using Process kill = Process.Start("kill", ["-INT", $"{process.Id}"]);
        string error = await process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        Assert.Equal(130, process.ExitCode);
        Assert.Contains("interrupted", error, StringComparison.Ordinal);
        Assert.Empty(folder.FileNames());
    }

    private static bool IgnoresSigint()
    {
        const string Status = "/proc/self/status";
        const ulong Sigint = 1 << (2 - 1);
        string? ignored = File.Exists(Status) ? File.ReadLines(Status).FirstOrDefault(line => line.StartsWith("SigIgn:", StringComparison.Ordinal)) : null;
        return ignored is not null && (ulong.Parse(ignored.AsSpan("SigIgn:".Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) & Sigint) != 0;
    }
}
