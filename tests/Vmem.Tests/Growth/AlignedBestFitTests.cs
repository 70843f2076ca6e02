using System.Numerics;
using Vmem.Checks;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Growth;

/// <summary>Best fit with an alignment: the smallest segment with a place, however many smaller ones have none.</summary>
public sealed class AlignedBestFitTests
{
    private const int Holes = 100_000;

    /// <summary>Some ways up and down two indexes of 10^5 entries: a search, and a change of each.</summary>
    private const int Bound = 100;

    [Theory]
    [InlineData(64, 0, 0)]
    [InlineData(64, 24, 0)]
    [InlineData(48, 0, 0)]
    [InlineData(64, 0, 128)]
    public void The_smallest_with_a_place_is_found_at_once(ulong align, ulong phase, ulong noCross)
    {
        RangeConstraints<ulong> constraints = new() { Align = align, Phase = phase, NoCross = noCross };
        using Arena<ulong> arena = Holed(i => i % 2 == 0);
        Assert.True(arena.TryAllocateConstrained(30, constraints, FitPolicy.BestFit, out ulong first));        // builds what it needs
        arena.FreeConstrained(first, 30);
        Segment<ulong>[] free =
            [.. arena.GetSegments().Where(segment => segment.Kind == SegmentKind.Free).OrderBy(segment => segment.Size)];
        foreach (ulong size in (ulong[])[1, 17, 30, 31, 40, 59, 60])
        {
            ulong place = 0;
            bool isPlace = free.Any(segment => IsPlace(segment, size, constraints, out place));
            bool isFound = false;
            ulong start = 0;
            long steps = Steps(() => isFound = arena.TryAllocateConstrained(size, constraints, FitPolicy.BestFit, out start));
            Assert.True(steps < Bound, $"{steps} steps for {size}");
            Assert.Equal(isPlace, isFound);
            Assert.Equal(place, start);
            if (isFound)
            {
                Assert.True(Steps(() => arena.FreeConstrained(start, size)) < Bound);
            }
        }

        arena.Validate();
    }

    [Theory]
    [InlineData(64)]
    [InlineData(1_024)]
    public void A_request_without_a_place_fails_at_once(ulong align)
    {
        using Arena<ulong> arena = Holed(_ => false);
        RangeConstraints<ulong> constraints = new() { Align = align };
        Assert.False(arena.TryAllocateConstrained(30, constraints, FitPolicy.BestFit, out _));                 // builds what it needs
        Assert.True(Steps(() => Assert.False(arena.TryAllocateConstrained(30, constraints, FitPolicy.BestFit, out _))) < Bound);
        arena.Validate();
    }

    [Fact]
    public void Both_orders_are_kept_for_an_alignment_that_the_options_name()
    {
        using Arena<ulong> arena = Holed(_ => false, new() { SingleThreaded = true, KeepIndexes = true, IndexedAlignments = [64] });
        for (int i = 0; i < 4 * Holes; i++)
        {
            arena.Free(arena.Allocate(1), 1);
        }

        RangeConstraints<ulong> constraints = new() { Align = 64 };
        foreach (FitPolicy policy in (FitPolicy[])[FitPolicy.BestFit, FitPolicy.FirstFit])
        {
            Assert.True(Steps(() => Assert.False(arena.TryAllocateConstrained(30, constraints, policy, out _))) < Bound);
        }
    }

    [Theory]
    [InlineData(7, 0, 0)]
    [InlineData(15, 5, 0)]
    [InlineData(15, 0, 32)]
    [InlineData(11, 2, 0)]
    public void A_tree_finds_what_brute_force_finds(int mask, int phase, int noCross)
    {
        Compare<ulong>(3_000, mask, phase, noCross);
        Compare<uint>(20_000, mask, phase, noCross);
        Compare<UInt128>(200, mask, phase, noCross);
    }

    private static void Compare<T>(int count, int mask, int phase, int noCross)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        var random = new Random(count);
        var alignment = new Alignment<T>(T.CreateChecked(mask), T.CreateChecked(phase), T.CreateChecked(noCross));
        var tree = new RangeTree<T, BySizeWithRoom<T>>(alignment: alignment);
        SortedSet<(T Size, T Start)> entries = [];
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < count; i++)
            {
                (T Size, T Start) entry = (T.CreateChecked(1 + random.Next(40)), T.CreateChecked(random.Next(count * 2)));
                if (entries.Remove(entry))
                {
                    tree.Remove(entry.Size, entry.Start);
                }
                else
                {
                    entries.Add(entry);
                    tree.Reserve(1);
                    tree.Insert(entry.Size, entry.Start, 1);
                }
            }

            tree.Validate((_, _, _) => { });
            for (int i = 0; i < 100; i++)
            {
                (T Size, T Start) from = (T.CreateChecked(random.Next(40)), T.CreateChecked(random.Next(count * 2)));
                T least = T.CreateChecked(random.Next(40));
                (T Size, T Start)[] expected =
                    [.. entries.Where(entry => entry.CompareTo(from) >= 0 && alignment.RoomIn(entry.Start, entry.Size) >= least).Take(2)];
                bool isFound = tree.TryFindFirst(from.Size, from.Start, least, out RangeTree<T, BySizeWithRoom<T>>.Cursor cursor);
                Assert.Equal(expected.Length > 0, isFound);
                for (int entry = 0; isFound; entry++)
                {
                    Assert.Equal(expected[entry], (cursor.Key, cursor.Value));
                    isFound = entry == 0 && tree.TryMoveNext(ref cursor, least);
                    Assert.True(entry == 1 || isFound == expected.Length > 1);
                }
            }

            while (entries.Count > count / 3)
            {
                (T size, T start) = entries.ElementAt(random.Next(Math.Min(20, entries.Count)));
                Assert.True(entries.Remove((size, start)));
                tree.Remove(size, start);
            }

            tree.Validate((_, _, _) => { });
        }

        tree.Release();
    }

    private static bool IsPlace(Segment<ulong> segment, ulong size, RangeConstraints<ulong> constraints, out ulong place)
    {
        for (place = segment.Start; place + size <= segment.Start + segment.Size; place++)
        {
            if (place % constraints.Align == constraints.Phase
                && (constraints.NoCross == 0 || place / constraints.NoCross == (place + size - 1) / constraints.NoCross))
            {
                return true;
            }
        }

        place = 0;
        return false;
    }

    /// <summary>Holes of 30 to 60: those that shall have places hold a multiple of every alignment, and are the longest.</summary>
    private static Arena<ulong> Holed(Func<int, bool> hasPlace, ArenaOptions<ulong>? options = null)
    {
        const ulong period = 3 * 1_024;           // a multiple of 48, 64 and 1,024
        Arena<ulong> arena = new("holed", 0, (Holes + 1) * period, 1, options ?? new() { SingleThreaded = true });
        var holes = new (ulong Start, ulong Size)[Holes];
        for (int i = 0; i < Holes; i++)
        {
            ulong whole = ((ulong)i + 1) * period;
            holes[i] = hasPlace(i) ? (whole, 45 + (ulong)(i * 7L % 16)) : (whole + 65, 30 + (ulong)(i * 7L % 15));
        }

        ulong next = 0;
        foreach ((ulong start, ulong size) in holes)
        {
            Assert.Equal(next, arena.Allocate(start - next));
            Assert.Equal(start, arena.Allocate(size));
            next = start + size;
        }

        _ = arena.Allocate(((Holes + 1) * period) - next);
        foreach ((ulong start, ulong size) in holes)
        {
            arena.Free(start, size);
        }

        return arena;
    }

    private static long Steps(Action action)
    {
        _ = StepCounter.Take();
        action();
        return StepCounter.Take();
    }
}
