using System.Diagnostics;
using System.Globalization;

namespace Vmem.Tool.Tests.Commands;

/// <summary>Ctrl-C as the operating system sends it, to the tool as a process of its own.</summary>
public sealed class InterruptTests
{
    [Fact]
    public async Task Sigint_ends_the_process_with_130_and_no_file()
    {
        using var folder = new TempFolder();
        await InterruptAsync(Samples.Generate(100_000, 100, seed: 1), "--report", folder.PathOf("a.html"));
        Assert.Empty(folder.FileNames());
    }

    /// <summary>A batch of these writes to gigabytes of memory: nobody takes it away meanwhile.</summary>
    [Fact]
    public async Task Sigint_ends_it_while_it_writes_to_a_large_block()
    {
        // A pipe holds 64 KiB. The rest is written once the tool has begun to read, and then it is in its first batch.
        const int Pairs = 3_760;
        await InterruptAsync(string.Concat(Enumerable.Repeat("a 1 200000000\nf 1\n", Pairs)), "--allocator", "malloc");
    }

    /// <summary>A reader who takes nothing keeps it waiting. No file is there yet, nor a part of one.</summary>
    [Fact(Timeout = Needs.Patience)]
    public async Task Sigint_ends_it_while_an_output_waits_for_its_reader()
    {
        Needs.Sigint();
        Needs.ResidentMemory();
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        using var folder = new TempFolder();
        string pipe = await folder.MakePipeAsync("pipe");
        using Process process = ToolProcess.Start(
            ".", "replay", Samples.CompilerTrace, "-a", "arena", "--json", folder.PathOf("a.json"), "--report", pipe);
        await using FileStream reader = await Task.Run(() => File.OpenRead(pipe), cancellationToken);
        await reader.ReadExactlyAsync(new byte[1], cancellationToken);
        using Process kill = Process.Start("kill", ["-INT", $"{process.Id}"]);
        string error = await process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        Assert.Equal((130, "vmem: interrupted; nothing was written"), (process.ExitCode, error.Trim()));
        Assert.Equal(["pipe"], folder.FileNames());
    }

    private static async Task InterruptAsync(string recording, params string[] options)
    {
        Needs.Sigint();
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        string tool = Path.Combine(AppContext.BaseDirectory, "Vmem.Tool.dll");
        var start = new ProcessStartInfo("dotnet", [tool, "replay", "-", .. options])
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;

        // More than a pipe holds: once it is all written, the tool is reading, and so has its handler in place.
        await process.StandardInput.WriteAsync(recording.AsMemory(), cancellationToken);
        await process.StandardInput.FlushAsync(cancellationToken);
        using Process kill = Process.Start("kill", ["-INT", $"{process.Id}"]);
        string error = await process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        Assert.Equal((130, "vmem: interrupted; nothing was written"), (process.ExitCode, error.Trim()));
    }
}
