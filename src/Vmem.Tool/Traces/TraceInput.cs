using Vmem.Tool.Files;

namespace Vmem.Tool.Traces;

/// <summary>
/// Where a recording comes from: a file or standard input, compressed with gzip, with zstd or not at all (told by its first bytes, not by
/// its name).
/// </summary>
internal sealed class TraceInput : IDisposable
{
    /// <summary>The path that means standard input.</summary>
    public const string StandardInput = "-";

    private readonly Stream _raw;

    private TraceInput(string name, Stream raw, long? length)
    {
        _raw = raw;
        Name = name;
        Length = length;
        var start = new byte[4];
        int read = raw.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        RefuseOtherCompression(name, start.AsSpan(0, read));
        var whole = new ConcatenatedStream(start.AsMemory(0, read), raw);
        Counted = whole;
        Text = start switch
        {
            [0x1f, 0x8b, ..] => new CheckedGzipStream(whole),
            [0x28, 0xb5, 0x2f, 0xfd] => new ZstdStream(whole),
            // A frame to be skipped, with which pzstd begins.
            [>= 0x50 and <= 0x5f, 0x2a, 0x4d, 0x18] => new ZstdStream(whole),
            _ => whole,
        };
    }

    /// <summary>The path, or "standard input".</summary>
    public string Name { get; }

    /// <summary>In bytes as stored; null when it cannot be known.</summary>
    public long? Length { get; }

    /// <summary>The recording's text.</summary>
    public Stream Text { get; }

    /// <summary>How many bytes, as stored, have been read: what progress is measured by.</summary>
    public long BytesRead => Counted.BytesRead;

    private ConcatenatedStream Counted { get; }

    /// <summary>Whether it is a file that can be read again, without opening it: opening a pipe waits for its writer, and closing it ends
    /// the writer.</summary>
    /// <returns>False also for an empty file: what is no file has no length, and nothing else tells.</returns>
    public static bool IsFile(string path)
    {
        try
        {
            return path != StandardInput && new FileInfo(RealPath.Of(path)) is { Exists: true, Length: > 0 };
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <exception cref="MalformedTraceException">The file cannot be opened, or is compressed in a way that is not read here.</exception>
    public static TraceInput Open(string path, Func<Stream> standardInput)
    {
        string name = path == StandardInput ? "standard input" : path;
        try
        {
            if (path == StandardInput)
            {
                return new TraceInput(name, standardInput(), null);
            }

            // The reader above has a buffer of its own.
            var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0, FileOptions.SequentialScan);
            return new TraceInput(path, file, file.CanSeek ? file.Length : null);
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new MalformedTraceException(path, "there is no such file");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new MalformedTraceException(name, $"cannot be read ({(Directory.Exists(path) ? "it is a folder" : fault.Message.TrimEnd('.'))})");
        }
    }

    public void Dispose()
    {
        Text.Dispose();
        _raw.Dispose();
    }

    private static void RefuseOtherCompression(string name, ReadOnlySpan<byte> start)
    {
        string? program = start switch
        {
            [0xfd, (byte)'7', (byte)'z', (byte)'X'] => "xz",
            [(byte)'B', (byte)'Z', (byte)'h', ..] => "bzip2",
            _ => null,
        };
        if (program is not null)
        {
            throw new MalformedTraceException(name, $"is compressed with {program}, which is not read here; use: {program} -dc {name} | vmem replay -");
        }
    }
}
