using System.Buffers.Text;
using Microsoft.Win32.SafeHandles;

namespace Vmem.Tool.Blocks;

/// <summary>
/// How much of this process the system has in memory, from the page tables: <c>/proc/self/smaps_rollup</c>, Linux 4.14 and later. (The
/// figure that the kernel keeps at hand, in <c>statm</c>, is added up late: it may be off by dozens of pages for each processor.) Reading
/// it allocates no managed memory, which would be measured with the rest.
/// </summary>
internal sealed class ResidentMemory : IDisposable
{
    private const string Path = "/proc/self/smaps_rollup";
    private readonly SafeFileHandle _file = File.OpenHandle(Path);
    private readonly byte[] _text = new byte[4096];

    public static bool IsKnown { get; } = File.Exists(Path);

    /// <summary>In bytes.</summary>
    public ulong Measure()
    {
        ReadOnlySpan<byte> label = "Rss:"u8;
        ReadOnlySpan<byte> text = _text.AsSpan(0, RandomAccess.Read(_file, _text, 0));
        int start = text.IndexOf(label);
        if (start < 0 || !Utf8Parser.TryParse(text[(start + label.Length)..].TrimStart((byte)' '), out ulong kibibytes, out _))
        {
            throw new IOException($"{Path} does not say how much is resident");
        }

        return kibibytes * 1024;
    }

    public void Dispose() => _file.Dispose();
}
