using System.Numerics;
using Vmem.Checks;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Growth;

/// <summary>An arena of few segments takes few bytes, however large its span is, and whatever it once held.</summary>
public class SmallArenaTests
{
    private const int Many = 100_000;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_few_segments_of_all_there_is_take_two_kilobytes(int live)
    {
        Assert.InRange(Measure<ulong>(ulong.MaxValue, live, many: 0), 1_000, 2_048);
        Assert.InRange(Measure<nuint>(nuint.MaxValue, live, many: 0), 1_000, 2_048);
        Assert.InRange(Measure<uint>(uint.MaxValue, live, many: 0), 1_000, 2_048);
        Assert.InRange(Measure<byte>(byte.MaxValue, live, many: 0), 1_000, 2_048);
        Assert.InRange(Measure<UInt128>(UInt128.MaxValue, live, many: 0), 1_000, 2_752);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void So_they_do_after_many_came_and_went(int live)
    {
        Assert.InRange(Measure<ulong>(ulong.MaxValue, live, Many), 1_000, 2_048);
        Assert.InRange(Measure<UInt128>(UInt128.MaxValue, live, Many), 1_000, 2_752);
    }

    /// <summary>Segments of every power of two, in few tags: the rows of lists have to share their places. No free needs more.</summary>
    [Fact]
    public void Places_of_list_heads_suffice_for_every_free()
    {
        for (ulong seed = 0; seed < (ulong)Night.Scaled(6); seed++)
        {
            Run<ulong>(seed, 60, bit => 1ul << bit);
            Run<UInt128>(seed, 120, bit => UInt128.One << bit);
            Run<ushort>(seed, 14, bit => (ushort)(1 << bit));
            Run<byte>(seed, 7, bit => (byte)(1 << bit));
        }
    }

    private static void Run<T>(ulong seed, int bits, Func<int, T> powerOf)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        SeededRandom random = new(seed);
        using Arena<T> arena = new("places", T.Zero, T.MaxValue, T.One);
        List<(T Start, T Size)> held = [];
        bool fails = false;
        using IDisposable faults = GrowthFault.Inject(() => fails);
        for (int round = 0; round < 12; round++)
        {
            int most = 1 << random.Below(7);
            for (int i = 0; i < 3 * most; i++)
            {
                T size = powerOf(random.Below(bits)) + T.CreateTruncating(random.Below(2));
                if (held.Count < most && arena.TryAllocate(size, out T start))
                {
                    held.Add((start, size));
                }
            }

            arena.Validate();
            fails = true;
            for (int left = random.Below(most); held.Count > left;)
            {
                int index = random.Below(held.Count);
                arena.Free(held[index].Start, held[index].Size);
                held[index] = held[^1];
                held.RemoveAt(held.Count - 1);
                arena.Validate();
            }

            fails = false;
            if (random.Below(2) == 0)
            {
                arena.Reap();
                arena.Validate();
            }
        }
    }

    /// <summary>The managed bytes that an arena makes and the bytes of its tables: the least of some, as a list of all arenas may grow
    /// meanwhile.</summary>
    private static long Measure<T>(T size, int live, int many)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        long least = long.MaxValue;
        for (int attempt = 0; attempt < 5; attempt++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            using Arena<T> arena = new("small", T.Zero, size, T.One);
            for (int i = 0; i < many; i++)
            {
                _ = arena.Allocate(T.One);
            }

            for (int i = 0; i < many; i++)
            {
                arena.Free(T.CreateTruncating(i), T.One);
            }

            long managed = GC.GetAllocatedBytesForCurrentThread() - before;
            if (many > 0)
            {
                arena.Reap();
            }

            for (int i = 0; i < live; i++)
            {
                _ = arena.Allocate(T.One);
            }

            least = Math.Min(least, managed + arena.GetStatistics().BookkeepingBytes);
        }

        return least;
    }
}
