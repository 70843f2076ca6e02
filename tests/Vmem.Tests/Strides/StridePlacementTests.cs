using System.Numerics;
using Vmem.Checks;
using Vmem.Ranges;
using Vmem.Segments;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Strides;

/// <summary>Placement under alignments of any number, against a look at each value.</summary>
public class StridePlacementTests
{
    private const int Cases = 60_000;
    private const int MostAlign = 40;

    [Fact]
    public void Places_in_8_bits_are_those_that_a_look_at_each_value_finds() => Compare<byte>(0, 256);

    [Fact]
    public void Places_at_the_top_of_64_bits_are_those_that_a_look_at_each_value_finds() => Compare<ulong>(ulong.MaxValue - 299, 300);

    [Fact]
    public void Places_at_the_top_of_128_bits_are_those_that_a_look_at_each_value_finds() => Compare<UInt128>(UInt128.MaxValue - 299, 300);

    [Fact]
    public void The_first_lap_that_meets_an_interval_is_found()
    {
        for (uint modulus = 2; modulus < 24; modulus++)
        {
            for (uint step = 0; step < modulus; step++)
            {
                for (uint low = 0; low < modulus; low++)
                {
                    for (uint high = low; high < modulus; high++)
                    {
                        bool isFound = Strides<uint>.TryCount(step, modulus, low, high, out uint count);
                        int expected = Enumerable.Range(0, (int)modulus).FirstOrDefault(
                            n => n * step % modulus is var at && at >= low && at <= high, -1);
                        Assert.Equal(expected, isFound ? (int)count : -1);
                    }
                }
            }
        }
    }

    /// <summary>A million boundaries between two places, and neither they nor the segments are walked.</summary>
    [Fact]
    public void A_large_stride_beside_a_boundary_takes_no_walk()
    {
        const ulong Align = 1_000_003;
        const ulong NoCross = 1 << 20;
        var placement = new Placement<ulong>(NoCross, new RangeConstraints<ulong> { Align = Align, NoCross = NoCross }, 1);
        Assert.True(placement.TryLowest(1, ulong.MaxValue, out ulong start));
        Assert.Equal(Align * NoCross, start);
        Assert.True(placement.TryHighest(0, (3 * Align * NoCross) - 1, out start));
        Assert.Equal(2 * Align * NoCross, start);
        Assert.False(placement.TryLowest(1, (Align * NoCross) + NoCross - 2, out _));
    }

    private static void Compare<T>(T origin, int length)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        SeededRandom random = new(1);
        for (int i = 0; i < Cases; i++)
        {
            int quantum = 1 + random.Below(5);
            int align = quantum * (1 + random.Below(MostAlign / quantum));
            int noCross = random.Below(3) == 0 ? 0 : (int)BitOperations.RoundUpToPowerOf2((uint)align) << random.Below(3);
            int size = quantum * (1 + random.Below(12));
            int phase = quantum * random.Below(align / quantum);
            if (noCross > 128 || (noCross != 0 && !Strides<uint>.CanLieBetween((uint)size, (uint)align, (uint)phase, (uint)noCross)))
            {
                continue;
            }

            T At(int value) => origin + T.CreateTruncating(value);
            int min = random.Below(2) == 0 ? 0 : random.Below(length);
            int max = random.Below(2) == 0 ? 0 : 1 + random.Below(length - 1);
            int first = random.Below(length - 1);
            int last = first + random.Below(length - first);
            var placement = new Placement<T>(
                T.CreateTruncating(size),
                new RangeConstraints<T>
                {
                    Align = T.CreateTruncating(align),
                    Phase = T.CreateTruncating(phase),
                    NoCross = T.CreateTruncating(noCross),
                    Min = min == 0 ? T.Zero : At(min),
                    Max = max == 0 ? T.Zero : At(max),
                },
                T.CreateTruncating(quantum));
            bool IsPlace(int start, int length) =>
                start >= min && start + length - 1 <= (max == 0 ? last : Math.Min(last, max - 1))
                && At(start) % placement.Align == placement.Phase
                && (noCross == 0 || At(start) / placement.NoCross == At(start + length - 1) / placement.NoCross);

            List<int> places = [.. Enumerable.Range(first, last - first + 1).Where(start => IsPlace(start, size))];
            string message = $"{size} of {quantum} at {align} + {phase}, no cross {noCross}, [{min}, {max}), in [{first}, {last}]";
            Assert.True(placement.TryLowest(At(first), At(last), out T lowest) == places.Count > 0, message);
            Assert.True(places.Count == 0 || lowest == At(places[0]), message);
            Assert.True(placement.TryHighest(At(first), At(last), out T highest) == places.Count > 0, message);
            Assert.True(places.Count == 0 || highest == At(places[^1]), message);

            bool isWhole = min == 0 && max == 0;
            bool isOfQuanta = T.IsZero(At(first) % T.CreateTruncating(quantum));
            T free = T.CreateTruncating(last - first + 1);
            bool isSure = isWhole && isOfQuanta && !T.IsZero(placement.Sure) && free >= placement.Sure;
            Assert.True(!isSure || places.Count > 0, $"sure {placement.Sure}: {message}");
            if (isWhole)
            {
                int largest = 0;
                foreach (int start in Enumerable.Range(first, last - first + 1).Where(start => IsPlace(start, 1)))
                {
                    int end = start;
                    while (end <= last && IsPlace(start, end - start + 1))
                    {
                        end++;
                    }

                    largest = Math.Max(largest, end - start);
                }

                var alignment = new Alignment<T>(placement.Align - T.One, placement.Phase, placement.NoCross);
                T room = alignment.RoomIn(At(first), free);
                Assert.True(room == T.CreateTruncating(largest), $"{room}, not {largest}: {message}");
            }
        }
    }
}
