using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Vmem.Tool.Traces;

/// <summary>
/// Decompresses zstd: one frame or several in a row. A frame says how far back it refers, and that much memory is taken before its first
/// byte is seen; so what asks for more than <see cref="MaxWindowLog"/> is refused.
/// </summary>
internal sealed class ZstdStream : ForwardStream
{
    // 128 MiB, what the zstd program itself takes without being asked ("zstd --ultra -22" needs it; heaptrack's recordings need 2 MiB).
    internal const int MaxWindowLog = 27;

    private readonly DecompressionStream _zstd;

    public ZstdStream(Stream compressed)
    {
        _zstd = new DecompressionStream(compressed, checkEndOfStream: true, leaveOpen: true);
        _zstd.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, MaxWindowLog);
    }

    /// <exception cref="InvalidDataException">The data is damaged.</exception>
    /// <exception cref="EndOfStreamException">The data is cut off: all of it that can be read was handed out.</exception>
    /// <exception cref="UnreadableCompressionException">The data may be right, but is not read here.</exception>
    public override int Read(Span<byte> buffer)
    {
        try
        {
            return _zstd.Read(buffer);
        }
        catch (ZstdException fault) when (fault.Code == ZSTD_ErrorCode.ZSTD_error_frameParameter_windowTooLarge)
        {
            throw new UnreadableCompressionException($"asks for more than {1 << (MaxWindowLog - 20)} MiB of memory to be decompressed (zstd --long); use: zstd -dc --long=31");
        }
        catch (ZstdException fault)
        {
            throw new InvalidDataException("The compressed data is damaged.", fault);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _zstd.Dispose();
        }

        base.Dispose(disposing);
    }
}

internal sealed class UnreadableCompressionException(string message) : Exception(message);
