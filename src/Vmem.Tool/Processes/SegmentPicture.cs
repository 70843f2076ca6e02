using System.Buffers.Binary;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Processes;

/// <summary>Makes a picture of the segments that a rundown has brought: the codes are those of docs/diagnostics.md.</summary>
internal static class SegmentPicture
{
    private const byte Span = 0;
    private const byte Free = 2;
    private const byte Slab = 0x40;
    private const byte Place = 0x80;

    private static readonly string?[] s_kinds = [null, null, null, "cached", "resting", "draining"];

    /// <exception cref="IOException">There are segments of an unknown kind.</exception>
    public static ArenaPicture Draw(ArenaFigures arena, IEnumerable<byte[]> batches)
    {
        var quantum = (UInt128)arena.Quantum;
        List<SpanPicture> spans = [];
        List<RangePicture> ranges = [];
        UInt128 next = 0;
        foreach (byte[] batch in batches)
        {
            for (ReadOnlySpan<byte> left = batch; !left.IsEmpty;)
            {
                byte kind = left[0];
                left = left[1..];
                if (kind is Span or Place)
                {
                    next = BinaryPrimitives.ReadUInt128LittleEndian(left);
                    UInt128 length = BinaryPrimitives.ReadUInt128LittleEndian(left[16..]);
                    left = left[32..];
                    if (kind == Span)
                    {
                        ranges = [];
                        spans.Add(new SpanPicture(next, length, "span", ranges));
                    }

                    continue;
                }

                UInt128 size = ReadNumber(ref left) * quantum;
                if (kind == Slab)
                {
                    _ = ReadNumber(ref left);
                }

                Add(spans, ranges, kind, next, size);
                next += size;
            }
        }

        string note = $"{arena.Type}, quantum {quantum}, {arena.Policy}, {Units.Count(spans.Count)} span{(spans.Count == 1 ? "" : "s")}, from the running process";
        return new ArenaPicture(arena.Type, "Arena " + arena.Title, note, spans) { IsBytes = ArenaPicture.IsOfBytes(arena.Type, quantum) };
    }

    /// <summary>Batches are of different moments: a segment may reach past its span's end by now, or begin before the last one's.</summary>
    private static void Add(List<SpanPicture> spans, List<RangePicture> ranges, byte kind, UInt128 start, UInt128 size)
    {
        if (spans.Count == 0 || kind == Free)
        {
            return;
        }

        if (kind != Slab && kind >= s_kinds.Length)
        {
            throw new IOException($"the process describes segments of kind {kind}, which this tool does not know: its Vmem is newer");
        }

        SpanPicture span = spans[^1];
        bool isInside = start >= span.Start && size > 0 && start - span.Start < span.Size && size <= span.Size - (start - span.Start);
        bool isNext = ranges.Count == 0 || start - ranges[^1].Start >= ranges[^1].Size;
        if (isInside && isNext)
        {
            ranges.Add(new RangePicture(start, size, kind == Slab ? "slab" : s_kinds[kind]));
        }
    }

    private static UInt128 ReadNumber(ref ReadOnlySpan<byte> bytes)
    {
        UInt128 number = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte part = bytes[0];
            bytes = bytes[1..];
            number |= (UInt128)(part & 0x7F) << shift;
            if (part < 0x80)
            {
                return number;
            }
        }
    }
}
