using System.Numerics;
using Vmem.Checks;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Growth;

/// <summary>Many free segments in one free list, of which none, few or the last is long enough: what instant fit and the questions about an
/// arena take then, the first time and each time.</summary>
[Trait("Once", "Release")]
public sealed class LongListTests
{
    private const int HolesByDay = 200_000;

    private static readonly int s_holes = Math.Clamp(Night.Scaled(HolesByDay), HolesByDay / 10, HolesByDay);

    /// <summary>A list, a path through its parts, and one part that is not divided. The lists before it, of which there may be 64 a
    /// row.</summary>
    private const int Bound = 400;

    [Fact]
    public void A_request_that_just_does_not_fit_fails_at_once()
    {
        using Arena<ulong> arena = Punched(s_holes, static i => 2_000 + ((ulong)i % 15));
        long before = Pairs(arena);
        Assert.True(Steps(() => Assert.False(arena.TryAllocate(2_015, out _))) < Bound);
        Assert.True(Steps(() => Assert.Throws<ArenaExhaustedException>(() => arena.Allocate(2_015))) < Bound);
        Assert.Equal(before, Pairs(arena));
        Assert.True(Steps(() => Assert.True(arena.TryAllocate(2_014, out _))) < Bound);
        arena.Validate();
    }

    [Fact]
    public void The_only_one_that_fits_is_found_at_once()
    {
        using Arena<ulong> arena = Punched(s_holes, static i => i == s_holes / 3 ? 2_015 : 2_000 + ((ulong)i % 15));
        ulong start = 0;
        Assert.True(Steps(() => Assert.True(arena.TryAllocate(2_015, out start))) < Bound);
        Assert.True(Steps(() => Assert.False(arena.TryAllocate(2_015, out _))) < Bound);
        arena.Free(start, 2_015);
        Assert.True(Steps(() => Assert.True(arena.TryAllocate(2_015, out _))) < Bound);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(30)]
    public void Questions_are_answered_at_once_and_exactly(int scale)
    {
        ulong least = 2_000ul << scale;
        using Arena<ulong> arena = Punched(s_holes, i => scale == 0 ? least + ((ulong)i % 15) : least + (ulong)i);
        ulong largest = scale == 0 ? 2_014 : least + (ulong)s_holes - 1;
        Assert.True(Steps(() => Assert.Equal(largest, arena.GetStatistics().LargestFree)) < Bound);
        Assert.True(Steps(() => Check(arena.Explain(largest + 1), FitFailure.Fragmented, 0, 0)) < Bound);
        Assert.True(Steps(() => Check(arena.Explain(1), FitFailure.None, 0, s_holes)) < Bound);
        Assert.True(Steps(() => Check(arena.Explain(least), FitFailure.None, 0, s_holes)) < Bound);
        ulong second = least + 1;
        long atLeast = scale == 0 ? Enumerable.Range(0, s_holes).Count(i => i % 15 >= 1) : s_holes - 1;
        Assert.True(Steps(() => Check(arena.Explain(second), FitFailure.None, least + 1, atLeast)) < Bound);
    }

    /// <summary>Lists of one size are not divided: a question walks the shorter side.</summary>
    [Fact]
    public void Questions_about_holes_of_one_size_are_answered_at_once()
    {
        using Arena<ulong> arena = Punched(s_holes, static _ => 3);
        Assert.True(Steps(() => Check(arena.Explain(3), FitFailure.None, 0, s_holes)) < Bound);
        Assert.True(Steps(() => Check(arena.Explain(4), FitFailure.Fragmented, 0, 0)) < Bound);
        Assert.True(Steps(() => Assert.Equal(3ul, arena.GetStatistics().LargestFree)) < Bound);
    }

    /// <summary>Where both sides are long, and where there are many lists, counts are built once, and kept as long as they are asked
    /// for.</summary>
    [Theory]
    [InlineData(6, false)]
    [InlineData(128, true)]
    public void Questions_about_many_sizes_are_answered_at_once(ulong size, bool isWide)
    {
        int expected = isWide ? 30_000 : s_holes / 2;
        using Arena<ulong> arena = isWide ? Punched(expected, static i => (128ul + ((ulong)i % 61)) << (i % 32))
            : Punched(s_holes, static i => i % 2 == 0 ? 4ul : 8ul);
        Assert.Equal(expected, arena.Explain(size).LongEnough);
        long steps = Steps(() => Assert.Equal(expected, arena.Explain(size).LongEnough));
        Assert.True(steps < 2 * Bound, $"{steps} steps");
        arena.Validate();
        long bytes = arena.GetStatistics().BookkeepingBytes;
        for (int i = 0; i < 4 * s_holes; i++)
        {
            ulong start = arena.Allocate(3);
            arena.Free(start, 3);
        }

        Assert.True(arena.GetStatistics().BookkeepingBytes < bytes, "Counts stay that nobody asks for.");
        Assert.Equal(expected, arena.Explain(size).LongEnough);
    }

    /// <summary>Lists are divided and joined as they grow and shrink, and no operation does much of it.</summary>
    [Fact]
    public void No_single_operation_takes_many_steps()
    {
        ulong room = 6_000ul * (ulong)s_holes;
        using Arena<ulong> arena = new("growing", 0, room, 1, new() { SingleThreaded = true });
        var random = new Random(3);
        var live = new List<(ulong Start, ulong Size)>();
        long worst = 0;
        for (int i = 0; i < s_holes; i++)
        {
            ulong size = 2_000 + (ulong)random.Next(2_000);
            live.Add((arena.Allocate(size), size));
        }

        for (int i = 0; i < live.Count; i++)
        {
            int other = random.Next(i, live.Count);
            (live[i], live[other]) = (live[other], live[i]);
            worst = Math.Max(worst, Steps(() => arena.Free(live[i].Start, live[i].Size)));
            if (i % 3 == 0)
            {
                ulong size = 2_000 + (ulong)random.Next(2_000);
                worst = Math.Max(worst, Steps(() => arena.TryAllocate(size, out _)));
            }
        }

        arena.Validate();
        Assert.True(worst < Bound, $"one operation took {worst} steps");
    }

    [Fact]
    public void Divided_lists_answer_as_brute_force_does()
    {
        Compare<ulong>(1, 1);
        Compare<ulong>(2, 16);
        Compare<ushort>(3, 1);
        Compare<UInt128>(4, 1);
    }

    private static void Compare<T>(int seed, uint quantum)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        var random = new Random(seed);
        uint room = typeof(T) == typeof(ushort) ? 60_000u : 3_000_000u * quantum;
        uint most = typeof(T) == typeof(ushort) ? 150u : 1_300u;
        using Arena<T> arena = new("compared", T.Zero, T.CreateChecked(room), T.CreateChecked(quantum));
        List<(T Start, T Size)> live = [];
        for (int phase = 0; phase < 40; phase++)
        {
            int changes = 400;
            for (int i = 0; i < changes; i++)
            {
                T size = T.CreateChecked((128 + (uint)random.Next((int)(most - 128))) * quantum);
                if (random.Next(20) < (phase % 4 < 2 ? 14 : 6) && arena.TryAllocate(size, out T start))
                {
                    live.Add((start, size));
                }
                else if (live.Count > 0)
                {
                    int freed = random.Next(live.Count);
                    arena.Free(live[freed].Start, live[freed].Size);
                    live.RemoveAt(freed);
                }
            }

            arena.Validate();
            Segment<T>[] free = [.. arena.GetSegments().Where(segment => segment.Kind == SegmentKind.Free)];
            T largest = free.Length == 0 ? T.Zero : free.Max(segment => segment.Size);
            Assert.Equal(largest, arena.GetStatistics().LargestFree);
            for (int i = 0; i < 50; i++)
            {
                T size = T.CreateChecked((1 + (uint)random.Next((int)(2 * most))) * quantum);
                Segment<T>[] enough = [.. free.Where(segment => segment.Size >= size)];
                FitReport<T> report = arena.Explain(size);
                Assert.Equal((long)enough.Length, report.LongEnough);
                Assert.Equal(enough.Length == 0 ? T.Zero : enough.Min(segment => segment.Start), report.Start);
                Assert.Equal(enough.Length != 0, arena.TryAllocate(size, out T start));
                if (enough.Length != 0)
                {
                    arena.Free(start, size);
                }
            }
        }
    }

    /// <summary>Holes of these sizes, each between two units that are taken.</summary>
    private static Arena<ulong> Punched(int holes, Func<int, ulong> sizeOf)
    {
        ulong room = 0;
        for (int i = 0; i < holes; i++)
        {
            room += sizeOf(i) + 1;
        }

        Arena<ulong> arena = new("punched", 0, room, 1, new() { SingleThreaded = true });
        ulong[] starts = new ulong[holes];
        for (int i = 0; i < holes; i++)
        {
            starts[i] = arena.Allocate(sizeOf(i));
            _ = arena.Allocate(1);
        }

        for (int i = 0; i < holes; i++)
        {
            arena.Free(starts[i], sizeOf(i));
        }

        return arena;
    }

    private static void Check(FitReport<ulong> report, FitFailure failure, ulong start, long longEnough) =>
        Assert.Equal((failure, start, longEnough), (report.Failure, report.Start, report.LongEnough));

    private static long Pairs(Arena<ulong> arena) => Steps(() =>
    {
        for (int i = 0; i < 1_000; i++)
        {
            arena.Free(arena.Allocate(2_001), 2_001);
        }
    });

    private static long Steps(Action action)
    {
        _ = StepCounter.Take();
        action();
        return StepCounter.Take();
    }
}
