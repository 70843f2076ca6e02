using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vmem.Tool.Commands;

/// <summary>Standard output where it is a pipe. Writing to it says when nobody reads any more.</summary>
/// <remarks>The console's own stream hides that: a command that goes on until its reader has enough would go on for ever. It is written
/// with all the same, as it waits for a slow reader also where another program has made the pipe one that does not wait.</remarks>
internal sealed partial class OutputPipe : Stream
{
    private const int StandardOutput = 1;

    // POLLERR and POLLHUP of Linux and macOS. Windows keeps the console's stream.
    private const short Gone = 0x8 | 0x10;

    private readonly Stream _console = Console.OpenStandardOutput();

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>What standard output is written with.</summary>
    public static TextWriter Open()
    {
        if (OperatingSystem.IsWindows() || !Console.IsOutputRedirected)
        {
            return Console.Out;
        }

        using FileStream output = new(new SafeFileHandle(StandardOutput, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        return output.CanSeek ? Console.Out
            : TextWriter.Synchronized(new StreamWriter(new OutputPipe(), Console.Out.Encoding) { AutoFlush = true });
    }

    public override unsafe void Write(ReadOnlySpan<byte> buffer)
    {
        _console.Write(buffer);
        PollRequest asked = new() { File = StandardOutput, Wanted = 0, Seen = 0 };
        if (Poll(&asked, 1, 0) > 0 && (asked.Seen & Gone) != 0)
        {
            throw new ReaderGoneException();
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    [LibraryImport("libc", EntryPoint = "poll")]
    private static unsafe partial int Poll(PollRequest* requests, nuint count, int milliseconds);

    /// <summary>C's <c>struct pollfd</c>.</summary>
    private struct PollRequest
    {
        public int File;
        public short Wanted;
        public short Seen;
    }
}

/// <summary>Whoever read standard output has enough. That ends a command, and is no error.</summary>
internal sealed class ReaderGoneException() : Exception("nobody reads standard output any more");
