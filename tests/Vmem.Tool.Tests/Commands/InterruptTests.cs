using System.Diagnostics;
using System.Globalization;

namespace Vmem.Tool.Tests.Commands;

/// <summary>Ctrl-C as the operating system sends it, to the tool as a process of its own.</summary>
public sealed class InterruptTests
{
    [Fact]
    public async Task Sigint_ends_the_process_with_130_and_no_file()
    {
        Needs.Sigint();
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
}
