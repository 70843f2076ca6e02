using Vmem.Caching;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>Which starts are marked, before, while and after marks are made anew. A start that is not may be taken for marked: its bit is
/// shared. So what should have no mark is looked at in numbers.</summary>
public sealed class HandleMarksTests
{
    private const uint Max = 8;
    private const int Looks = 1_024;

    private readonly HandleMarks<uint> _marks = new(0);

    private static SegmentMap<uint> Map(uint ranges, Func<uint, uint> sizeOf, out List<(uint Start, uint Tag)> held)
    {
        SegmentMap<uint> map = new(1);
        map.ReserveSpan(1 << 20);
        _ = map.AddSpan(0, 1 << 20, imported: false);
        held = [];
        for (uint i = 0; i < ranges; i++)
        {
            uint size = sizeOf(i);
            map.Reserve();
            uint tag = map.TakeGoodFit(size, out uint start);
            _ = map.Bind(tag);
            held.Add((start, tag));
        }

        return map;
    }

    private void Look(SegmentMap<uint> map, int times)
    {
        for (int i = 0; i < times; i++)
        {
            _marks.NoteLookUp(map, Max);
        }
    }

    private int CountMarked(IEnumerable<uint> starts) => starts.Count(_marks.Has);

    [Fact]
    public void What_is_added_is_marked_until_all_is_cleared()
    {
        uint[] starts = [.. Enumerable.Range(0, 500).Select(static i => (uint)i * 7)];
        Array.ForEach(starts, _marks.Add);
        Assert.Equal(starts.Length, CountMarked(starts));
        Assert.InRange(CountMarked(starts.Select(static start => start + 100_000)), 0, 50);
        _marks.Clear();
        Assert.Equal(0, CountMarked(starts));
    }

    /// <summary>What is left of many is marked again; the others are not, nor what is too long for a cache.</summary>
    [Fact]
    public void Marks_are_made_anew_from_the_handles_that_are_left()
    {
        using SegmentMap<uint> map = Map(500, static i => i % 2 == 0 ? Max : Max + 1, out List<(uint Start, uint Tag)> held);
        held.ForEach(range => _marks.Add(range.Start));
        uint[] gone = [.. Enumerable.Range(0, 500).Select(static i => 500_000 + (uint)i)];
        Array.ForEach(gone, _marks.Add);
        Look(map, Looks - 1);
        Assert.Equal((500, 500), (CountMarked(held.Select(static range => range.Start)), CountMarked(gone)));
        Look(map, (int)(map.TagBound / 16) + 1);
        Assert.Equal(250, held.Where((_, i) => i % 2 == 0).Count(range => _marks.Has(range.Start)));
        Assert.InRange(held.Where((_, i) => i % 2 != 0).Count(range => _marks.Has(range.Start)), 0, 50);
        Assert.InRange(CountMarked(gone), 0, 50);
    }

    /// <summary>A thousand tags are looked at in a step. The handle comes between two steps, and its tag was passed.</summary>
    [Fact]
    public void A_handle_that_comes_while_marks_are_made_anew_has_one_afterwards()
    {
        using SegmentMap<uint> map = Map(5_000, static _ => Max, out List<(uint Start, uint Tag)> held);
        held.ForEach(range => _marks.Add(range.Start));
        (uint start, uint tag) = held[3];
        map.Unbind(tag);
        map.ReserveToFree();
        _ = map.Free(tag);
        Look(map, Looks + (int)(map.TagBound / 16));
        map.Reserve();
        tag = map.Carve(map.FindAt(start, Max, inSteps: false), start, Max);
        Assert.True(tag < 1_000);
        _ = map.Bind(tag);
        _marks.Add(start);
        Look(map, 20);
        Assert.Equal(5_000, held.Count(range => _marks.Has(range.Start)));
    }

    /// <summary>None is left in the midst of it, and the marks are cleared; what comes then begins anew.</summary>
    [Fact]
    public void Marks_that_are_cleared_while_they_are_made_anew_stay_so()
    {
        using SegmentMap<uint> map = Map(5_000, static _ => Max, out List<(uint Start, uint Tag)> held);
        held.ForEach(range => _marks.Add(range.Start));
        Look(map, Looks + (int)(map.TagBound / 16));
        _marks.Clear();
        Look(map, Looks / 2);
        Assert.Equal(0, held.Count(range => _marks.Has(range.Start)));
    }

    /// <summary>After a round the next needs as many look-ups again.</summary>
    [Fact]
    public void Marks_are_made_anew_as_rarely_as_before()
    {
        using SegmentMap<uint> map = Map(10, static _ => Max, out _);
        Look(map, Looks);
        uint[] gone = [.. Enumerable.Range(0, 500).Select(static i => 500_000 + (uint)i)];
        Array.ForEach(gone, _marks.Add);
        Look(map, Looks - 1);
        Assert.Equal(500, CountMarked(gone));
        Look(map, 1);
        Assert.InRange(CountMarked(gone), 0, 50);
    }
}
