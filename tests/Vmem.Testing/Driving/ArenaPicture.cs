using System.Globalization;
using System.Numerics;
using System.Text;

namespace Vmem.Testing.Driving;

/// <summary>All that can be seen of an arena as text, so that "nothing was changed" is one comparison whose failure shows what
/// was.</summary>
public static class ArenaPicture
{
    /// <summary>Segments and statistics.</summary>
    public static string Of<T>(Arena<T> arena)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T> => $"{Segments(arena)}\n{arena.GetStatistics()}";

    /// <summary>The segments alone, as in <c>{100+400: 100+20 (120+380)}</c>: a span, what is allocated in it, in parentheses what is
    /// free, in brackets what rests, and between &lt; and &gt; what drains.</summary>
    public static string Segments<T>(Arena<T> arena)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        StringBuilder text = new();
        foreach (Segment<T> segment in arena.GetSegments())
        {
            string range = string.Create(CultureInfo.InvariantCulture, $"{segment.Start}+{segment.Size}");
            text.Append(segment.Kind switch
            {
                SegmentKind.Span => $"{(text.Length == 0 ? "" : "} ")}{{{range}:",
                SegmentKind.Allocated => $" {range}",
                SegmentKind.Draining => $" <{range}>",
                SegmentKind.Resting => $" [{range}]",
                _ => $" ({range})",
            });
        }

        return text.Append(text.Length == 0 ? "" : "}").ToString();
    }
}
