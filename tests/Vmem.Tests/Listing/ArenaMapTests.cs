using System.Numerics;
using Vmem.Listing;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Listing;

/// <summary>Maps against what the segments say, drawn at once or in many small steps.</summary>
public class ArenaMapTests
{
    private const int Columns = 37;               // no divisor of anything

    [Fact]
    public void A_map_shows_the_segments_of_many_arenas()
    {
        for (ulong seed = 0; seed < 20; seed++)
        {
            Check<ulong>(seed, quantum: 16, span: 16 * 5_000);
            Check<uint>(seed, quantum: 1, span: 3_000);
            Check<ushort>(seed, quantum: 8, span: 8 * 1_000);
            Check<UInt128>(seed, quantum: UInt128.One << 90, span: 5_000 * (UInt128.One << 90));
        }
    }

    /// <summary>What is drawn is exact, if nothing changes meanwhile: each column against a sum over all segments.</summary>
    private static void Check<T>(ulong seed, T quantum, T span)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        SeededRandom random = new(seed);
        using Arena<T> arena = new("mapped", quantum);
        T start = quantum * T.CreateChecked(random.Below(1_000));
        for (int i = 0; i < 3; i++)
        {
            arena.AddSpan(start, span);
            start += span + (quantum * T.CreateChecked(1 + random.Below(1_000)));
        }

        Fill(arena, random, quantum);
        ArenaMap map = MapOf(arena, Columns);
        int steps = 1 + random.Below(600);
        while (!map.Update(steps))
        {
        }

        Segment<T>[] segments = [.. arena.GetSegments()];
        Assert.Equal((3L, segments.LongLength - 3), (map.Spans, map.Segments));
        double size = 3 * double.CreateChecked(span);
        Assert.Equal(size, map.Size);
        double perColumn = size / Columns;
        double offset = -double.CreateChecked(span);
        T spanStart = default;
        double[,] expected = new double[Columns, 6];
        int[] begun = new int[Columns];
        foreach (Segment<T> segment in segments)
        {
            if (segment.Kind == SegmentKind.Span)
            {
                (spanStart, offset) = (segment.Start, offset + double.CreateChecked(span));
                continue;
            }

            double from = offset + double.CreateChecked(segment.Start - spanStart);
            double end = from + double.CreateChecked(segment.Size);
            begun[Math.Min((int)(from / perColumn), Columns - 1)]++;
            for (int column = 0; column < Columns; column++)
            {
                double inside = Math.Min(end, (column + 1) * perColumn) - Math.Max(from, column * perColumn);
                expected[column, (int)segment.Kind] += Math.Max(0, inside) / perColumn;
            }
        }

        Assert.Equal(Columns, map.Columns.Length);
        for (int column = 0; column < Columns; column++)
        {
            ArenaMapColumn drawn = map.Columns[column];
            Assert.Equal(expected[column, (int)SegmentKind.Allocated], drawn.Allocated, tolerance: 1e-5);
            Assert.Equal(expected[column, (int)SegmentKind.Free], drawn.Free, tolerance: 1e-5);
            Assert.Equal(expected[column, (int)SegmentKind.Resting], drawn.Resting, tolerance: 1e-5);
            Assert.Equal(0, drawn.Cached);
            Assert.True(arena.Contains(T.CreateTruncating(drawn.Start)), $"column {column} begins at {drawn.Start}");
        }

        Assert.Equal(begun.Sum(), map.Columns.ToArray().Sum(static column => column.Segments));
    }

    private static void Fill<T>(Arena<T> arena, SeededRandom random, T quantum)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        List<(T Start, T Size)> held = [];
        T Size() => quantum * T.CreateChecked(1 + random.Below(40));
        for (T size = Size(); arena.TryAllocate(size, out T start); size = Size())
        {
            held.Add((start, size));
        }

        for (int i = 0; i < held.Count; i += 1 + random.Below(4))
        {
            if (random.Below(5) == 0)
            {
                arena.FreeAfter(held[i].Start, held[i].Size, TimeSpan.FromDays(1));
            }
            else
            {
                arena.Free(held[i].Start, held[i].Size);
            }
        }
    }

    /// <summary>A slab is drawn by what is out of it.</summary>
    [Fact]
    public void A_slab_is_drawn_by_what_is_out()
    {
        using Arena<uint> arena = new("mapped slabs", 0, 4_096, 1, new ArenaOptions<uint> { QuantumCacheMax = 8 });
        _ = arena.Allocate(8);
        ArenaMap map = MapOf(arena, 1);
        Assert.True(map.Update(1_000));
        ArenaMapColumn column = map.Columns[0];
        ArenaStatistics<uint> figures = arena.GetStatistics();
        Assert.Equal((double)(figures.InUse + figures.Cached) / figures.TotalSize, column.Allocated + column.Cached, tolerance: 1e-6);
        Assert.InRange(column.Cached, 8f / 4_096, 1);
        Assert.InRange(column.Allocated, 8f / 4_096, 1);
    }

    /// <summary>A large arena is drawn a few segments at a time; what is under the walk may change and go.</summary>
    [Fact]
    public void A_map_goes_on_while_the_arena_changes()
    {
        SeededRandom random = new(18);
        using Arena<ulong> arena = new("mapped and changed", 0, 1 << 20, 1);
        List<(ulong Start, ulong Size)> held = [];
        ArenaMap map = MapOf(arena, 100);
        int rounds = 0;
        for (int step = 0; step < 3_000; step++)
        {
            for (int i = 0; i < 20; i++)
            {
                ulong size = 1 + (ulong)random.Below(30);
                if (random.Below(5) < 3 && arena.TryAllocate(size, out ulong start))
                {
                    held.Add((start, size));
                }
                else if (held.Count > 0)
                {
                    int index = random.Below(held.Count);
                    arena.Free(held[index].Start, held[index].Size);
                    held[index] = held[^1];
                    held.RemoveAt(held.Count - 1);
                }
            }

            if (map.Update(300))
            {
                rounds++;
                foreach (ArenaMapColumn column in map.Columns)
                {
                    // What was freed or taken while the walk was elsewhere may be drawn twice or not at all, a range or two of it.
                    Assert.InRange(column.Allocated + column.Free, 0.98, 1.02);
                }
            }
        }

        Assert.Equal(rounds, map.Rounds);
        Assert.InRange(rounds, 10, 3_000);
        arena.Validate();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(300)]
    public void No_call_walks_more_segments_than_it_may(int most)
    {
        using Arena<uint> arena = new("mapped slowly", 0, 1_000, 1);
        for (int i = 0; i < 1_000; i++)
        {
            _ = arena.Allocate(1);
        }

        ArenaMap map = MapOf(arena, 10);
        int calls = 1;
        while (!map.Update(most))
        {
            calls++;
        }

        Assert.Equal(1_000, map.Segments);
        int each = Math.Max(most, 2);
        Assert.InRange(calls, 1_001 / each, (1_001 / each) + 2);
    }

    [Fact]
    public void The_edges_are_drawn_too()
    {
        using Arena<UInt128> all = Arena<UInt128>.OverAll("mapped whole", 1);
        ArenaMap map = MapOf(all, 4);
        Assert.True(map.Update(10));
        Assert.Equal([1f, 1f, 1f, 1f], map.Columns.ToArray().Select(static column => column.Free));
        _ = all.Allocate(UInt128.One << 126);
        Assert.True(map.Update(10));
        Assert.Equal([1f, 0, 0, 0], map.Columns.ToArray().Select(static column => column.Allocated));
        Assert.Equal(UInt128.One << 127, map.Columns[2].Start);

        using Arena<uint> empty = new("mapped empty", 1);
        ArenaMap none = MapOf(empty, 4);
        Assert.True(none.Update(1));
        Assert.Empty(none.Columns.ToArray());
        empty.AddSpan(10, 2);                     // fewer values than columns
        Assert.True(none.Update(10));
        Assert.Equal([10, 10, 11, 11], none.Columns.ToArray().Select(static column => (int)column.Start));
        empty.Dispose();
        Assert.True(none.Update(1));
        Assert.Empty(none.Columns.ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => none.Update(0));
    }

    /// <summary>Without the list, which would keep other tests' arenas alive for a while.</summary>
    private static ArenaMap MapOf(object arena, int columns) => ((IListed<ArenaView>)arena).View.CreateMap(columns)!;
}
