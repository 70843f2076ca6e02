using Microsoft.Win32.SafeHandles;

namespace Vmem.Tool.Commands;

/// <summary>Standard output where it is a pipe. Writing to it says when nobody reads any more.</summary>
/// <remarks>The console's own stream hides that: a command that goes on until its reader has enough would go on for ever.</remarks>
internal sealed class OutputPipe : Stream
{
    private const int StandardOutput = 1;

    // EPIPE of Linux and macOS. Windows has other numbers, and keeps the console's stream.
    private const int BrokenPipe = 32;

    private readonly FileStream _pipe;

    private OutputPipe(FileStream pipe)
    {
        _pipe = pipe;
    }

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

        FileStream pipe = new(new SafeFileHandle(StandardOutput, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        // A file has a place that other programs of the script go on from; the console's stream moves it.
        return pipe.CanSeek ? Console.Out
            : TextWriter.Synchronized(new StreamWriter(new OutputPipe(pipe), Console.Out.Encoding) { AutoFlush = true });
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            _pipe.Write(buffer);
        }
        catch (IOException fault) when (fault.HResult == BrokenPipe)
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
}

/// <summary>Whoever read standard output has enough. That ends a command, and is no error.</summary>
internal sealed class ReaderGoneException() : Exception("nobody reads standard output any more");
