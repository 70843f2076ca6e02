using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>What could become free around a segment: the look ends after 32 others.</summary>
public sealed class CouldLieAroundTests
{
    [Theory]
    [InlineData(31, false)]
    [InlineData(32, true)]
    public void A_run_that_is_too_long_to_tell_counts_as_enough(int others, bool isEnough)
    {
        Assert.Equal(isEnough, CouldLieAround(below: 0, above: others));
        Assert.Equal(isEnough, CouldLieAround(below: others, above: 0));
        Assert.Equal(isEnough, CouldLieAround(below: others / 2, above: others - (others / 2)));
    }

    /// <summary>Known segments of one on either side, and at both ends one that is not.</summary>
    private static bool CouldLieAround(int below, int above)
    {
        using SegmentMap<uint> map = new(1);
        uint total = (uint)(below + above + 3);
        map.ReserveSpan(total);
        _ = map.AddSpan(0, total, imported: false);
        HashSet<uint> known = [];
        uint middle = 0;
        for (uint start = 0; start < total; start++)
        {
            map.Reserve();
            uint tag = map.TakeGoodFit(1, out uint place);
            Assert.Equal(start, place);
            map.Enlist(tag);
            middle = start == below + 1 ? tag : middle;
            _ = start > 0 && start < total - 1 && start != below + 1 && known.Add(start);
        }

        return map.CouldLieAround(middle, total, known);
    }
}
