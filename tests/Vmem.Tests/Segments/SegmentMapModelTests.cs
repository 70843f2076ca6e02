using System.Numerics;
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
        Run(new ComparedMap<byte>(seed, quantum, 256, asksForPieces: true), steps: 900);
        Run(new ComparedMap<ushort>(seed, quantum, 1_024 * quantum, asksForPieces: false), steps: 700);
        Run(new ComparedMap<UInt128>(seed, quantum, 128 * quantum, asksForPieces: true), steps: 300);
    }

    private static void Run<T>(ComparedMap<T> map, int steps)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        using (map)
        {
            map.Run(steps);
        }
    }
}
