using Vmem.Ranges;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>A span of every value of the type. As long as all of it is free, its one free segment has no size.</summary>
public sealed class SegmentMapWholeTests
{
    private const int Quantum = 16;

    [Fact]
    public void All_free_it_is_one_segment_to_callers()
    {
        using SegmentMap<byte> map = Whole();
        CheckAllFree(map);
        for (int value = 0; value < 256; value++)
        {
            Assert.Equal(new Segment<byte>(0, 255, SegmentKind.Free), map.GetSegment(map.Locate((byte)value)));
            Assert.True(map.TryFindOverlap((byte)value, (byte)value, out Segment<byte> span));
            Assert.Equal(new Segment<byte>(0, 255, SegmentKind.Span), span);
        }

        Assert.True(map.TryCountLongEnough(240, out long count));
        Assert.Equal(1, count);
        foreach ((byte from, byte last) in ((byte, byte)[])[(0, 255), (0, 0), (255, 255), (100, 200), (239, 240)])
        {
            uint home = 0;
            Assert.Equal(FitObstacle.None, map.FindObstacle(from, last, ref home, out uint holder, out _));
            Assert.Equal(0u, holder);
            byte part = from;
            long steps = 0;
            Assert.NotEqual(0u, map.FindFreePart(ref part, last, ref steps, out byte end));
            Assert.Equal((from, last), (part, end));
        }
    }

    /// <summary>Every place of whole sixteenths and every length but all; and at both ends single values.</summary>
    [Theory]
    [InlineData(16, false, false)]
    [InlineData(16, true, false)]
    [InlineData(16, false, true)]
    [InlineData(1, false, false)]
    [InlineData(1, true, true)]
    public void Any_range_can_be_the_first_and_the_last(int quantum, bool hasIndexes, bool hasOrder)
    {
        using SegmentMap<byte> map = new((byte)quantum);
        if (hasOrder)
        {
            map.KeepFreedOrder();
        }

        if (hasIndexes)
        {
            map.KeepIndexes(FitPolicy.RandomFit, [32]);
        }

        Fill(map);
        CheckAllFree(map);
        int[] edges = quantum == 1 ? [0, 1, 2, 127, 128, 129, 253, 254, 255, 256] : [.. Enumerable.Range(0, 17).Select(edge => 16 * edge)];
        foreach ((int start, int end) in edges.SelectMany(start => edges.Select(end => (start, end))))
        {
            if (end <= start || end - start == 256)
            {
                continue;
            }

            int size = end - start;
            uint tag = Take(map, start, size);
            (int Start, int Size, SegmentKind Kind)[] expected =
                [(0, start, SegmentKind.Free), (start, size, SegmentKind.Allocated), (end, 256 - end, SegmentKind.Free)];
            Assert.Equal(expected.Where(segment => segment.Size > 0), Segments(map));
            Assert.Equal(((byte)size, 1L), (map.InUse, map.LiveSegments));
            Assert.Equal(Math.Max(start, 256 - end), map.LargestFree());
            Assert.False(map.IsAllFree);
            map.Validate();
            if (hasOrder)
            {
                CheckTaken(map, start, size);
            }

            map.ReserveToFree();
            map.Unbind(tag);
            _ = map.FreeAll(tag);
            CheckAllFree(map);
            Assert.True(!hasOrder || map.CopyFreedOrder()[^1] == new FreedSnapshot<byte>((byte)start, (byte)size));
        }
    }

    /// <summary>Between 192 and 239 of 255 values, which is what all of the type reads as: first the last one that was freed is taken, then
    /// each goes behind lower ones.</summary>
    [Fact]
    public void Space_is_scarce_where_three_quarters_of_all_are_taken()
    {
        using SegmentMap<byte> map = new(1);
        Fill(map);
        var tags = new uint[256];
        for (int start = 0; start < 256; start++)
        {
            tags[start] = Take(map, start, 1);
        }

        for (int start = 2; start <= 40; start += 2)
        {
            map.Unbind(tags[start]);
            _ = map.Free(tags[start]);
        }

        map.Reserve();
        Assert.NotEqual(0u, map.TakeGoodFit(1, out byte first));
        Assert.Equal(32, first);
    }

    [Fact]
    public void Several_ranges_come_and_go()
    {
        using SegmentMap<byte> map = Whole();
        for (int order = 0; order < 6; order++)
        {
            uint[] tags = [Take(map, 32, 16), Take(map, 48, 32), Take(map, 240, 16)];
            Assert.Equal(5, Segments(map).Length);
            int[] turns = order switch { 0 => [0, 1, 2], 1 => [0, 2, 1], 2 => [1, 0, 2], 3 => [1, 2, 0], 4 => [2, 0, 1], _ => [2, 1, 0] };
            foreach (int turn in turns)
            {
                map.ReserveToFree();
                map.Unbind(tags[turn]);
                _ = map.LiveSegments == 1 ? map.FreeAll(tags[turn]) : map.Free(tags[turn]);
                map.Validate();
            }

            CheckAllFree(map);
        }
    }

    /// <summary>The segments before are gone by then.</summary>
    [Fact]
    public void An_enumeration_goes_on_where_all_has_become_free()
    {
        using SegmentMap<byte> map = Whole();
        uint tag = Take(map, 48, 16);
        var batch = new Segment<byte>[2];
        SegmentMap<byte>.Position position = SegmentMap<byte>.Position.First;
        Assert.Equal(2, map.CopySegments(ref position, batch));
        map.ReserveToFree();
        map.Unbind(tag);
        _ = map.FreeAll(tag);
        Assert.Equal(1, map.CopySegments(ref position, batch));
        Assert.Equal(new Segment<byte>(48, 208, SegmentKind.Free), batch[0]);
        Assert.False(position.More);
    }

    [Theory]
    [InlineData(FitPolicy.InstantFit, 0, 32)]
    [InlineData(FitPolicy.BestFit, 0, 32)]
    [InlineData(FitPolicy.FirstFit, 0, 32)]
    [InlineData(FitPolicy.LastFit, 208, 160)]
    [InlineData(FitPolicy.NextFit, 96, 96)]
    public void While_all_is_free_each_policy_takes_its_place(FitPolicy policy, int any, int aligned)
    {
        using SegmentMap<byte> map = Whole();
        map.SetRotor(112, 96);
        Check(default, any);
        Check(new RangeConstraints<byte> { Align = 64, Phase = 32 }, aligned);
        Check(new RangeConstraints<byte> { Align = 64, Phase = 32, Max = 96 }, 32);
        Check(new RangeConstraints<byte> { Min = 112, Max = 160 }, 112);
        Check(new RangeConstraints<byte> { Min = 112, Max = 159 }, -1);
        var one = new Placement<byte>(Quantum, default, Quantum);
        Assert.NotEqual(0u, map.FindConstrained(policy, one, out byte start));
        Assert.Equal(policy switch { FitPolicy.LastFit => 240, FitPolicy.NextFit => 112, _ => 0 }, start);

        void Check(RangeConstraints<byte> constraints, int expected)
        {
            uint found = map.FindConstrained(policy, new Placement<byte>(48, constraints, Quantum), out byte place);
            Assert.Equal(expected >= 0, found != 0);
            Assert.True(expected < 0 || place == expected, $"{place}, not {expected}");
        }
    }

    /// <summary>What was never taken comes before what was freed.</summary>
    [Fact]
    public void While_all_is_free_the_oldest_quantum_is_taken()
    {
        using SegmentMap<byte> map = Whole();
        for (int turn = 0; turn < 40; turn++)
        {
            Assert.NotEqual(0u, map.Find(FitPolicy.OldestFit, Quantum, out byte start, inSteps: false));
            Assert.Equal(turn % 16 * Quantum, start);
            uint tag = Take(map, start, Quantum);
            map.ReserveToFree();
            map.Unbind(tag);
            _ = map.FreeAll(tag);
        }
    }

    private static void CheckTaken(SegmentMap<byte> map, int start, int size)
    {
        int[] free = [.. map.CopyFreedOrder().SelectMany(piece => Enumerable.Range(piece.Start, piece.Size))];
        Assert.Equal(256 - size, free.Distinct().Count());
        Assert.Equal(256 - size, free.Length);
        Assert.DoesNotContain(free, value => value >= start && value < start + size);
    }

    private static void CheckAllFree(SegmentMap<byte> map)
    {
        Assert.True(map.IsWhole && map.IsAllFree);
        Assert.Equal((1L, 1L, 0L), (map.SpanCount, map.FreeSegments, map.LiveSegments));
        Assert.Equal((0, 255, 255, 0), ((int)map.TotalSize, map.LargestFree(), map.LargestSpan, map.InUse));
        var batch = new Segment<byte>[3];
        SegmentMap<byte>.Position position = SegmentMap<byte>.Position.First;
        Assert.Equal(2, map.CopySegments(ref position, batch));
        Assert.Equal(new Segment<byte>(0, 255, SegmentKind.Span), batch[0]);
        Assert.Equal(new Segment<byte>(0, 255, SegmentKind.Free), batch[1]);
        Assert.False(position.More);
        map.Validate();
    }

    private static uint Take(SegmentMap<byte> map, int start, int size)
    {
        map.Reserve();
        uint tag = map.IsAllFree ? map.CarveAll((byte)start, (byte)size)
            : map.Carve(map.FindAt((byte)start, (byte)size, inSteps: false), (byte)start, (byte)size);
        _ = map.Bind(tag);
        return tag;
    }

    private static (int Start, int Size, SegmentKind Kind)[] Segments(SegmentMap<byte> map)
    {
        var batch = new Segment<byte>[20];
        SegmentMap<byte>.Position position = SegmentMap<byte>.Position.First;
        int count = map.CopySegments(ref position, batch);
        return [.. batch[1..count].Select(segment => ((int)segment.Start, (int)segment.Size, segment.Kind))];
    }

    private static SegmentMap<byte> Whole()
    {
        SegmentMap<byte> map = new(Quantum);
        Fill(map);
        return map;
    }

    /// <summary>Two halves that become one.</summary>
    private static void Fill(SegmentMap<byte> map)
    {
        map.ReserveSpan(255);
        _ = map.AddSpan(0, 128, imported: false);
        map.ReserveSpan(255);
        _ = map.AddSpan(128, 128, imported: false);
        map.JoinNeighbors(128, 128);
    }
}
