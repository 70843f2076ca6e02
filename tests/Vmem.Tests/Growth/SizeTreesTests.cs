using System.Numerics;
using Vmem.Checks;
using Vmem.Segments;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Growth;

/// <summary>Best fit without constraints: from short lists, from the trees of single sizes, from the one of all large sizes, and on the way
/// from one to the other.</summary>
public sealed class SizeTreesTests
{
    private const int Units = 2_400;

    /// <summary>Looks, nodes, and a list that becomes a tree or a tree that becomes a list.</summary>
    private const int Bound = 60;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void The_lowest_of_the_smallest_that_fit_is_taken_whatever_came_before(ulong seed)
    {
        Run<ulong>(seed, 1);
        Run<uint>(seed + 10, 4);
        Run<ushort>(seed + 20, 16);
        Run<UInt128>(seed + 30, 2);
        Run<byte>(seed + 40, 1);
    }

    [Fact]
    public void Trees_that_share_their_nodes_hold_what_brute_force_holds()
    {
        Compare<ulong>(1, 40);
        Compare<ulong>(2, 3_000);
        Compare<ushort>(3, 3_000);
        Compare<UInt128>(4, 3_000);
    }

    /// <summary>As the free segments of one size become many, and few again, no operation takes many steps.</summary>
    [Fact]
    public void No_operation_takes_many_steps_however_many_are_of_one_size()
    {
        const int many = 40_000;
        using Arena<ulong> arena = new("ids", 0, 2 * many, 1, new ArenaOptions<ulong> { Policy = FitPolicy.BestFit });
        for (ulong id = 0; id < 2 * many; id++)
        {
            Assert.Equal(id, arena.Allocate(1));
        }

        for (ulong id = 0; id < 80; id += 2)
        {
            arena.Free(id, 1);
        }

        for (ulong id = 0; id < 80; id += 2)
        {
            Assert.Equal(id, arena.Allocate(1));  // there is an index from now on
        }

        for (ulong id = 0; id < 2 * many; id += 2)
        {
            ulong free = 2 * many - 2 - id;       // downwards: the last one is the lowest
            Assert.InRange(Steps(() => arena.Free(free, 1)), 0, Bound);
            Assert.InRange(Steps(() => Assert.Equal(free, arena.Allocate(1))), 1, Bound);
            Assert.InRange(Steps(() => arena.Free(free, 1)), 0, Bound);
        }

        arena.Validate();
        for (ulong id = 0; id < 2 * many; id += 2)
        {
            Assert.InRange(Steps(() => Assert.Equal(id, arena.Allocate(1))), 1, Bound);
        }

        arena.Validate();
    }

    [Fact]
    public void Short_lists_need_no_index()
    {
        using Arena<ulong> arena = new("small", 0, 1_000, 1, new ArenaOptions<ulong> { Policy = FitPolicy.BestFit });
        for (ulong i = 0; i < 50; i++)
        {
            Assert.Equal(20 * i, arena.Allocate(20));
        }

        long bytes = arena.GetStatistics().BookkeepingBytes;
        for (ulong i = 0; i < 50; i += 2)
        {
            arena.Free(20 * i, 20);
            arena.Free(arena.Allocate(3 + (i % 5)), 3 + (i % 5));
        }

        Assert.Equal(bytes, arena.GetStatistics().BookkeepingBytes);
    }

    /// <summary>Occupancy rises and falls, so that free segments of the smallest sizes become many and few by turns.</summary>
    private static void Run<T>(ulong seed, int quantum)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        SeededRandom random = new(seed);
        int units = Math.Min(Units, typeof(T) == typeof(byte) ? 250 : Units);
        T scale = T.CreateChecked(quantum);
        ArenaOptions<T> options = new() { Policy = FitPolicy.BestFit };
        using Arena<T> arena = new("model", T.Zero, T.CreateChecked(units * quantum), scale, options);
        bool[] taken = new bool[units];
        List<(int Start, int Size)> held = [];
        bool fails = false;
        using IDisposable faults = GrowthFault.Inject(() => fails);
        for (int phase = 0; phase < 24; phase++)
        {
            int most = 1 + random.Below(random.Below(3) == 0 ? 200 : 4);
            int share = random.Below(11);         // of ten steps so many allocate
            for (int step = 0; step < 100; step++)
            {
                if (random.Below(10) < share || held.Count == 0)
                {
                    Allocate(arena, taken, held, 1 + random.Below(most), random.Below(40), scale);
                }
                else
                {
                    int index = random.Below(held.Count);
                    (int start, int size) = held[index];
                    fails = random.Below(4) == 0;
                    arena.Free(T.CreateChecked(start) * scale, T.CreateChecked(size) * scale);
                    fails = false;
                    taken.AsSpan(start, size).Clear();
                    held[index] = held[^1];
                    held.RemoveAt(held.Count - 1);
                }

                arena.Validate();
            }

            if (random.Below(6) == 0)
            {
                arena.Reap();
                arena.Validate();
            }
        }
    }

    private static void Allocate<T>(Arena<T> arena, bool[] taken, List<(int Start, int Size)> held, int size, int kind, T scale)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        T length = T.CreateChecked(size) * scale;
        T at;
        bool isFound = kind switch
        {
            0 => arena.TryAllocate(length, FitPolicy.InstantFit, out at),
            1 => arena.TryAllocate(length, FitPolicy.LastFit, out at),
            2 => arena.TryAllocateConstrained(length, new() { Align = scale * T.CreateChecked(4) }, FitPolicy.BestFit, out at),
            _ => arena.TryAllocate(length, out at),
        };
        int best = Best(taken, size);
        if (kind > 2)
        {
            Assert.Equal(best >= 0, isFound);
            Assert.Equal(best, isFound ? int.CreateChecked(at / scale) : -1);
        }

        if (isFound)
        {
            int start = int.CreateChecked(at / scale);
            Assert.False(taken.AsSpan(start, size).Contains(true));
            taken.AsSpan(start, size).Fill(true);
            held.Add((start, size));
        }
    }

    /// <summary>Where the first of the shortest runs of free units begins that are long enough; −1: there is none.</summary>
    private static int Best(bool[] taken, int size)
    {
        (int best, int bestLength) = (-1, int.MaxValue);
        for (int start = 0; start < taken.Length;)
        {
            int end = Array.IndexOf(taken, !taken[start], start);
            end = end < 0 ? taken.Length : end;
            if (!taken[start] && end - start >= size && end - start < bestLength)
            {
                (best, bestLength) = (start, end - start);
            }

            start = end;
        }

        return best;
    }

    private static void Compare<T>(ulong seed, int count)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        const int trees = 5;
        SeededRandom random = new(seed);
        var shared = new RangeTree<T, ByKeyAlone<T>>(isShared: true);
        var contents = new RangeTree<T, ByKeyAlone<T>>.Contents[trees];
        SortedSet<int>[] expected = [.. Enumerable.Range(0, trees).Select(_ => new SortedSet<int>())];
        for (int i = 0; i < 8 * count; i++)
        {
            int tree = random.Below(trees);
            bool isFew = i / count % 2 == 1;      // by turns they grow and shrink
            int start = isFew && expected[tree].Count > 0 ? expected[tree].Min : random.Below(2 * count);
            shared.Reserve(1);
            shared.Selected = contents[tree];
            if (expected[tree].Remove(start))
            {
                shared.Remove(T.CreateChecked(start), default);
            }
            else
            {
                Assert.True(expected[tree].Add(start));
                shared.Insert(T.CreateChecked(start), default, (uint)start + 1);
            }

            contents[tree] = shared.Selected;
            bool isAny = shared.TryFindFirst(out RangeTree<T, ByKeyAlone<T>>.Cursor first);
            Assert.Equal(expected[tree].Count > 0, isAny);
            Assert.Equal(expected[tree].Count > 0 ? expected[tree].Min : -1, isAny ? int.CreateChecked(first.Key) : -1);
            if (i % (count / 20) == 0)
            {
                Check(shared, contents, expected);
            }
        }

        Check(shared, contents, expected);
        shared.Release();
    }

    private static void Check<T>(
        RangeTree<T, ByKeyAlone<T>> shared, RangeTree<T, ByKeyAlone<T>>.Contents[] contents, SortedSet<int>[] expected)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        for (int tree = 0; tree < contents.Length; tree++)
        {
            List<int> found = [];
            shared.Selected = contents[tree];
            shared.Validate((start, _, item) =>
            {
                Assert.Equal(int.CreateChecked(start) + 1, (int)item);
                found.Add((int)item - 1);
            });
            Assert.Equal(expected[tree], found);
        }
    }

    private static long Steps(Action action)
    {
        _ = StepCounter.Take();
        action();
        return StepCounter.Take();
    }
}
