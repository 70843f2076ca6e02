using System.Numerics;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>Right frees of cached sizes, and a tenth of them wrong ones, at random and in great number.</summary>
public class CheckedCacheStormTests
{
    [Fact]
    public void Storm_of_bytes() => Run<byte>(0, 255, 1, 10_000);

    [Fact]
    public void Storm_of_pages() => Run<ulong>(1 << 20, 1 << 22, 4_096, 30_000);

    [Fact]
    public void Storm_of_twelves() => Run<uint>(12, 12_000, 12, 30_000);

    [Fact]
    public void Storm_of_prefixes() => Run((UInt128)1 << 80, (UInt128)1 << 80, (UInt128)1 << 64, 30_000);

    /// <summary>Ten million operations, of which one million are wrong frees, with VMEM_STORM=10000000.</summary>
    [Fact]
    [Trait("Once", "Release")]
    public void Storm_of_IDs() => Run<uint>(
        1_000, 1 << 20, 1, int.TryParse(Environment.GetEnvironmentVariable("VMEM_STORM"), out int steps) ? steps : 1_000_000);

    private static void Run<T>(T first, T size, T quantum, int steps)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        using Arena<T> arena = Make(first, size, quantum);
        Random random = new(4);
        Dictionary<T, int> owned = [];            // the quanta of each range, by where it starts
        HashSet<T> covered = [];
        List<T> starts = [];
        T last = default;
        int wrong = 0;
        for (int step = 0; step < steps; step++)
        {
            int quanta = random.Next(1, 8);
            if (step % 10 == 9)
            {
                T start = Draw(random, starts, last, first, quantum);
                T length = T.CreateTruncating(quanta) * quantum;
                if (owned.TryGetValue(start, out int right) && right == quanta)
                {
                    continue;
                }

                Assert.Throws<InvalidFreeException>(() => arena.Free(start, length));
                wrong++;
            }
            else if (starts.Count == 0 || (starts.Count < 2_000 && random.Next(2) == 0))
            {
                if (!arena.TryAllocate(T.CreateTruncating(quanta) * quantum, out T start))
                {
                    continue;
                }

                owned.Add(start, quanta);
                starts.Add(start);
                for (int i = 0; i < quanta; i++)
                {
                    Assert.True(covered.Add(start + (T.CreateTruncating(i) * quantum)));
                }
            }
            else
            {
                int index = random.Next(starts.Count);
                last = starts[index];
                starts[index] = starts[^1];
                starts.RemoveAt(starts.Count - 1);
                owned.Remove(last, out quanta);
                for (int i = 0; i < quanta; i++)
                {
                    Assert.True(covered.Remove(last + (T.CreateTruncating(i) * quantum)));
                }

                arena.Free(last, T.CreateTruncating(quanta) * quantum);
            }

            if (step % (steps / 10) == 0)
            {
                arena.Validate();
                Assert.Equal(T.CreateTruncating(covered.Count) * quantum, arena.GetStatistics().InUse);
            }
        }

        Assert.InRange(wrong, steps / 20, steps / 10);
        starts.ForEach(start => arena.Free(start, T.CreateTruncating(owned[start]) * quantum));
        Assert.Equal(T.Zero, arena.GetStatistics().InUse);
        arena.Validate();
    }

    private static T Draw<T>(Random random, List<T> starts, T last, T first, T quantum)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        T live = starts.Count > 0 ? starts[random.Next(starts.Count)] : first;
        return random.Next(6) switch
        {
            0 => last,
            1 => live,
            2 => live + quantum,
            3 => live + T.One,
            4 => first + (T.CreateTruncating(random.Next(1 << 20)) * quantum),
            _ => T.CreateTruncating(random.NextInt64()),
        };
    }

    private static Arena<T> Make<T>(T start, T size, T quantum)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T> =>
        new("checked", start, size, quantum, new ArenaOptions<T> { QuantumCacheMax = T.CreateTruncating(8) * quantum });
}
