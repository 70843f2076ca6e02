using Vmem.Ranges;
using Vmem.Segments;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>Best fit in windows of a map of thousands of holes, where neither the order by size nor that by address tells soon, against a
/// look at every hole.</summary>
public sealed class BestFitTurnsTests
{
    private const int Outside = 2_500;
    private const int Inside = 3_500;
    private const int Holes = Outside + Inside + Outside;

    private static readonly uint[] s_requests = [5, 990, 999, 1_000, 1_001, 1_500, 2_600, 30_500, 32_000, 40_000];

    /// <summary>Holes of about a thousand on both sides, each size twice; between them short ones and long ones by turns.</summary>
    [Theory]
    [InlineData(1ul)]
    [InlineData(2ul)]
    public void The_smallest_with_a_place_is_taken_and_of_equal_ones_the_lowest(ulong seed)
    {
        SeededRandom random = new(seed);
        uint[] sizes = [.. Enumerable.Range(0, Holes).Select(i => SizeOf(i, random))];
        using SegmentMap<uint> map = Map(sizes, out (uint Start, uint Size)[] holes);
        for (int turn = 0; turn < 120; turn++)
        {
            (int from, int to) = Window(turn, random);
            RangeConstraints<uint> constraints = (turn % 5) switch
            {
                3 => new() { Align = 16, Phase = 4 * (uint)random.Below(4) },
                4 => new() { Align = 64, NoCross = 65_536 },
                _ => default,
            };
            constraints = constraints with
            {
                Min = holes[from].Start + (uint)random.Below(3),
                Max = holes[to].Start + (uint)random.Below((int)holes[to].Size + 2),
            };
            Check(map, holes, new Placement<uint>(s_requests[random.Below(s_requests.Length)], constraints, 1));
        }

        map.Validate();
    }

    private static uint SizeOf(int hole, SeededRandom random) =>
        hole is < Outside or >= Outside + Inside ? 1_000 + (uint)random.Below(1_600)
            : hole % 2 == 0 ? 3 + (uint)random.Below(6) : 30_000 + (uint)random.Below(3_000);

    /// <summary>All in the middle, a few anywhere, or from anywhere to anywhere.</summary>
    private static (int From, int To) Window(int turn, SeededRandom random)
    {
        int one = random.Below(Holes);
        int other = random.Below(Holes);
        return (turn % 3) switch
        {
            0 => (Outside + random.Below(20), Outside + Inside - 1 - random.Below(20)),
            1 => (one, Math.Min(Holes - 1, one + random.Below(30))),
            _ => (Math.Min(one, other), Math.Max(one, other)),
        };
    }

    private static void Check(SegmentMap<uint> map, (uint Start, uint Size)[] holes, in Placement<uint> placement)
    {
        (uint Size, uint Start)? best = null;
        foreach ((uint start, uint size) in holes)
        {
            if ((best is not { } other || size < other.Size) && placement.TryLowest(start, start + (size - 1), out uint place))
            {
                best = (size, place);
            }
        }

        uint found = map.FindConstrained(FitPolicy.BestFit, placement, out uint at);
        Assert.Equal(best is not null, found != 0);
        Assert.True(found == 0 || at == best!.Value.Start, $"{at}, not {best?.Start}");
        Assert.True(found == 0 || (map.IsFreeAt(found, at, placement.Size) && map.GetSegment(found).Size == best!.Value.Size));
    }

    private static SegmentMap<uint> Map(uint[] sizes, out (uint Start, uint Size)[] holes)
    {
        SegmentMap<uint> map = new(1);
        uint total = (uint)sizes.Sum(static size => size + 1L);
        map.ReserveSpan(total);
        uint free = map.AddSpan(0, total, imported: false);
        holes = new (uint, uint)[sizes.Length];
        uint start = 0;
        for (int i = 0; i < sizes.Length; i++)
        {
            holes[i] = (start, sizes[i]);
            map.Reserve();
            uint held = map.Carve(free, start + sizes[i], 1);
            map.Enlist(held);
            free = map.Following(held);
            start += sizes[i] + 1;
        }

        return map;
    }
}
