using System.Globalization;
using System.Numerics;

namespace Vmem.Diagnostics;

/// <summary>The table a kernel developer expects: what illumos' ::vmem, ::vmem_seg and tinyvmem's vmem_dump show.</summary>
internal static class ArenaDump
{
    /// <param name="writer">Where to.</param>
    /// <param name="title">The first line.</param>
    /// <param name="figures">The arena's figures.</param>
    /// <param name="segments">Its spans and segments.</param>
    /// <param name="isWhole">Whether its one span holds every value of the type: then sizes saturate, and are written as powers.</param>
    public static void Write<T>(TextWriter writer, string title, in ArenaStatistics<T> figures, IEnumerable<Segment<T>> segments,
        bool isWhole)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        CultureInfo plain = CultureInfo.InvariantCulture;
        writer.WriteLine(title);
        writer.WriteLine(string.Create(plain, $"  total {figures.TotalSize}, in use {figures.InUse}, cached {figures.Cached}, resting {figures.Resting}, free {figures.Free}, draining {figures.Draining}, imported {figures.Imported}"));
        writer.WriteLine(string.Create(plain, $"  largest free {figures.LargestFree}, fragmentation {figures.Fragmentation:P1}, peak in use {figures.PeakInUse}"));
        writer.WriteLine(string.Create(plain, $"  {figures.Allocations} allocations, {figures.Frees} frees, {figures.Failures} failures, {figures.Imports} imports, {figures.Releases} releases"));
        bool isAllFree = T.IsZero(figures.InUse | figures.Cached | figures.Resting | figures.Draining);
        var sizes = new SortedDictionary<T, (long Allocated, long Free)>();
        int digits = T.MaxValue.GetShortestBitLength() / 4;
        writer.WriteLine(string.Create(plain, $"{"START".PadLeft(digits + 4)}  {"END".PadLeft(digits + 2)}  {"SIZE",20}  TYPE"));
        foreach (Segment<T> segment in segments)
        {
            string indent = segment.Kind == SegmentKind.Span ? "" : "  ";
            bool isAll = isWhole && (segment.Kind == SegmentKind.Span || (isAllFree && segment.Size == T.MaxValue));
            T last = isAll ? T.MaxValue : segment.Start + (segment.Size - T.One);
            string size = isAll ? $"2^{T.MaxValue.GetShortestBitLength()}" : segment.Size.ToString(null, plain);
            string range = $"{Hexadecimal(segment.Start, digits)}{(indent.Length == 0 ? "  " : "")}  {Hexadecimal(last, digits)}";
            writer.WriteLine(string.Create(plain, $"{indent}{range}  {size,20}  {KindName(segment.Kind)}{Note(segment)}"));
            Count(sizes, segment);
        }

        writer.WriteLine(string.Create(plain, $"{"SIZE",20}  {"ALLOCATED",10}  {"FREE",10}"));
        foreach ((T length, (long allocated, long free)) in sizes)
        {
            writer.WriteLine(string.Create(plain, $"{length,20}  {allocated,10}  {free,10}"));
        }
    }

    private static string Hexadecimal<T>(T value, int digits)
        where T : IBinaryInteger<T> =>
        "0x" + value.ToString("x" + digits.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static string Note<T>(Segment<T> segment)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T> =>
        (segment.IsDraining ? ", draining" : "")
        + (segment.Tag == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"  tag {segment.Tag}"))
        + (segment.RangeKind == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"  kind {segment.RangeKind}"));

    private static string KindName(SegmentKind kind) => kind switch
    {
        SegmentKind.Span => "span",
        SegmentKind.Allocated => "allocated",
        SegmentKind.Cached => "cached",
        SegmentKind.Resting => "resting",
        SegmentKind.Draining => "draining",
        _ => "free",
    };

    private static void Count<T>(SortedDictionary<T, (long Allocated, long Free)> sizes, Segment<T> segment)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        if (segment.Kind is SegmentKind.Span or SegmentKind.Cached or SegmentKind.Resting or SegmentKind.Draining)
        {
            return;
        }

        _ = sizes.TryGetValue(segment.Size, out (long Allocated, long Free) counts);
        sizes[segment.Size] = segment.Kind == SegmentKind.Allocated
            ? (counts.Allocated + 1, counts.Free)
            : (counts.Allocated, counts.Free + 1);
    }
}
