using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>The map against a list of segments: places anywhere in free segments, spans that come, go, grow, shrink and are joined, also
/// to all of the type.</summary>
public sealed class SegmentMapModelTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 4)]
    [InlineData(3, 12)]
    public void Every_change_leaves_what_a_list_of_segments_says(ulong seed, int quantum)
    {
        new ComparedMap<byte>(seed, quantum, 256, asksForPieces: true).Run(900);
        new ComparedMap<ushort>(seed, quantum, 1_024 * quantum, asksForPieces: false).Run(700);
        new ComparedMap<UInt128>(seed, quantum, 128 * quantum, asksForPieces: true).Run(300);
    }
}
