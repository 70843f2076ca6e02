using System.Numerics;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Growth;

/// <summary>Searches by key and value, against brute force, with turns of different lengths.</summary>
public sealed class RangeTreeTurnsTests
{
    [Theory]
    [InlineData(40, 12)]
    [InlineData(2_000, 8)]
    [InlineData(30_000, 9)]
    public void The_first_within_and_the_least_within_are_those_that_brute_force_finds(int count, int nodes)
    {
        Compare<ulong>(count, nodes);
        Compare<uint>(count, nodes + 50);
        Compare<UInt128>(count / 4, nodes);
    }

    private static void Compare<T>(int count, int nodes)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        var random = new Random(count);
        var byStart = new RangeTree<T, ByKey<T>>(TreeExtras.Bounds);
        var bySize = new RangeTree<T, ByKeyThenValue<T>>(TreeExtras.Bounds);
        SortedDictionary<int, int> sizes = [];
        for (int i = 0; i < count * 3; i++)
        {
            int start = random.Next(count * 2);
            if (sizes.Remove(start, out int size))
            {
                byStart.Remove(T.CreateChecked(start), T.CreateChecked(size));
                bySize.Remove(T.CreateChecked(size), T.CreateChecked(start));
            }
            else
            {
                // Low and high starts have other sizes than those in the middle; some are the same everywhere.
                size = random.Next(4) == 0 ? 1 + random.Next(60)
                    : start < count / 2 || start > count ? 20 + random.Next(count)
                    : random.Next(2) * 2 * count;
                sizes.Add(start, size);
                byStart.Reserve(1);
                byStart.Insert(T.CreateChecked(start), T.CreateChecked(size), (uint)start + 1);
                bySize.Reserve(1);
                bySize.Insert(T.CreateChecked(size), T.CreateChecked(start), (uint)start + 1);
            }
        }

        byStart.Validate((_, _, _) => { });
        bySize.Validate((_, _, _) => { });
        int most = 4 + (count / 8);               // each turn passes some leaves, of which each has at least 16 entries
        (int Size, int Start)[] ordered = [.. sizes.Select(pair => (pair.Value, pair.Key)).Order()];
        for (int i = 0; i < 300; i++)
        {
            int low = random.Next(count * 2);
            int high = i % 3 == 0 ? count * 2 : low + random.Next(count);
            (int Size, int Start) from = (random.Next(i % 2 == 0 ? 70 : count * 2), random.Next(count * 2));
            (int Size, int Start)? expected = ordered
                .Where(entry => entry.CompareTo(from) >= 0 && entry.Start >= low && entry.Start <= high)
                .Select(entry => ((int, int)?)entry).FirstOrDefault();

            var upward = new RangeTree<T, ByKeyThenValue<T>>.FirstWithin(
                T.CreateChecked(from.Size), T.CreateChecked(from.Start), T.CreateChecked(low), T.CreateChecked(high));
            Assert.True(Turns(() => bySize.TryFinish(ref upward, nodes)) <= most);
            Assert.Equal(expected is not null, upward.IsFound);

            var inside = new RangeTree<T, ByKey<T>>.LeastWithin(
                T.CreateChecked(low), T.CreateChecked(high), T.CreateChecked(from.Size), T.CreateChecked(from.Start));
            Assert.True(Turns(() => byStart.TryFinish(ref inside, nodes)) <= most);
            Assert.Equal(expected is not null, inside.IsFound);
            if (expected is (int size, int start))
            {
                Assert.Equal((T.CreateChecked(size), T.CreateChecked(start)), (upward.Found.Key, upward.Found.Value));
                Assert.Equal((T.CreateChecked(size), T.CreateChecked(start), (uint)start + 1), (inside.Value, inside.Key, inside.Item));
            }
        }

        byStart.Release();
        bySize.Release();
    }

    private static int Turns(Func<bool> isOver)
    {
        int turns = 1;
        for (; !isOver(); turns++)
        {
            Assert.True(turns < 1_000_000, "A search does not get on.");
        }

        return turns;
    }
}
