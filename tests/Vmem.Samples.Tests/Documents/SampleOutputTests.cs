using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Compression;

namespace Vmem.Samples.Tests.Documents;

/// <summary>Each sample runs to its end, and samples/README.md shows what it really prints.</summary>
public sealed class SampleOutputTests
{
    [Theory]
    [InlineData("PidTable")]
    [InlineData("PrefixPool")]
    [InlineData("FileExtents")]
    [InlineData("ArrowMemory")]
    [InlineData("GpuBuffer")]
    [InlineData("Metrics")]
    [InlineData("PortBlocks")]
    [InlineData("OrleansLeases")]
    public async Task The_readme_shows_what_the_sample_prints(string sample) => await CheckAsync(sample);

    /// <summary>The triangle is in the file: decoded here by hand, as the sample encodes it by hand.</summary>
    [Fact]
    public async Task The_renderer_writes_the_picture_that_it_drew()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("vmem-samples-");
        try
        {
            string file = Path.Combine(folder.FullName, "triangle.png");
            await CheckAsync("OffscreenRenderer", file);
            byte[] png = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
            Assert.Equal("89504E470D0A1A0A", Convert.ToHexString(png, 0, 8));
            Assert.Equal("49454E44AE426082", Convert.ToHexString(png, png.Length - 8, 8));     // IEND with the sum that every PNG ends with
            int length = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(33));
            Assert.Equal("IDAT"u8.ToArray(), png[37..41]);
            using var inflated = new ZLibStream(new MemoryStream(png, 41, length), CompressionMode.Decompress);
            byte[] rows = new byte[256 * (1 + 256 * 4)];
            await inflated.ReadExactlyAsync(rows, TestContext.Current.CancellationToken);
            Assert.Equal("1A1A33FF", PixelAt(rows, 0, 0));
            Assert.Equal("545655FF", PixelAt(rows, 128, 128));
            string top = PixelAt(rows, 128, 40);
            Assert.True(Convert.ToInt32(top[..2], 16) > 180, $"the corner above is not red: {top}");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string PixelAt(byte[] rows, int x, int y) => Convert.ToHexString(rows, y * (1 + 256 * 4) + 1 + x * 4, 4);

    private static async Task CheckAsync(string sample, params string[] arguments)
    {
        (int exitCode, string output) = await RunAsync(sample, arguments);
        Assert.True(exitCode == 0, $"{sample} ended with {exitCode}:\n{output}");
        HashSet<string> printed = [.. output.ReplaceLineEndings("\n").Split('\n').Select(line => line.TrimEnd())];
        string[] shown = [.. Block(sample).Split('\n').Select(line => line.TrimEnd()).Where(line => line is not ("…" or ""))];
        Assert.NotEmpty(shown);
        Assert.All(
            shown,
            line => Assert.True(printed.Contains(line), $"samples/README.md has a line that {sample} does not print: {line}\n\n{output}"));
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(string sample, string[] arguments)
    {
        using Process process = SampleProgram.Start(sample, arguments);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, output);
    }

    /// <summary>The first block of code below the sample's heading.</summary>
    private static string Block(string sample)
    {
        string text = File.ReadAllText(Path.Combine(SampleProgram.Folder(), "README.md")).ReplaceLineEndings("\n");
        int section = text.IndexOf($"\n### {sample}\n", StringComparison.Ordinal);
        Assert.True(section >= 0, $"samples/README.md has no section on {sample}.");
        return text[section..].Split("```")[1];
    }
}
