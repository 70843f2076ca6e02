using System.Numerics;
using Vmem.Checks;
using Xunit;

namespace Vmem.Tests.Growth;

/// <summary>Whoever chooses the places of ranges cannot choose them so that their look-ups, and with them frees, become slow.</summary>
[Trait("Once", "Release")]
public sealed class ChosenAddressTests
{
    private const int Ranges = 20_000;

    /// <summary>2^64/φ: the multiplier that the table of live segments once had, and the whole world knows.</summary>
    private const ulong GoldenRatio = 0x9E3779B97F4A7C15;

    /// <summary>What the golden ratio multiplies with to 1, by Newton's method: five steps double 3 right bits to 96.</summary>
    private static ulong Inverse
    {
        get
        {
            ulong inverse = GoldenRatio;
            for (int i = 0; i < 5; i++)
            {
                inverse *= 2 - (GoldenRatio * inverse);
            }

            return inverse;
        }
    }

    public static TheoryData<string> Sets => ["top bits", "next to top bits", "high stride", "stride", "in a row"];

    [Theory]
    [MemberData(nameof(Sets))]
    public void Look_ups_of_chosen_starts_take_the_usual_steps(string set)
    {
        ulong inverse = Inverse;
        Func<int, ulong> choose = set switch
        {
            "top bits" => i => (ulong)i * inverse,               // the products are small: their top bits are 0
            "next to top bits" => i => ((ulong)i << 16) * inverse,
            "high stride" => i => (ulong)i << 47,
            "stride" => i => (ulong)i << 12,
            _ => i => (ulong)i,
        };
        AssertUsual(Steps(choose), Steps(Scattered), set);
    }

    /// <summary>The halves of a wide start used to be hashed apart, the upper one by a number that everybody knows.</summary>
    [Fact]
    public void Look_ups_of_chosen_wide_starts_take_the_usual_steps()
    {
        double chosen = Steps(i => new UInt128((ulong)i, BitOperations.RotateLeft((ulong)i * GoldenRatio, 32)));
        double rows = Steps(i => new UInt128((ulong)i, 0));
        double usual = Steps(i => new UInt128(Scattered(i), Scattered(i + Ranges)));
        AssertUsual(chosen, usual, "halves that cancel");
        AssertUsual(rows, usual, "upper halves in a row");
    }

    /// <summary>Two arenas of one history take different steps, or else one could be studied to attack the other.</summary>
    [Fact]
    public void Each_arena_has_a_secret_of_its_own() => Assert.True(
        Enumerable.Range(0, 8).Select(_ => Steps(Scattered)).Distinct().Count() > 1, "Eight arenas took the same steps.");

    private static void AssertUsual(double chosen, double usual, string set) =>
        Assert.True(chosen <= 2 * usual, $"{set}: {chosen} steps a look-up, usually {usual}");

    private static ulong Scattered(int i)
    {
        ulong z = (ulong)(i + 1) * GoldenRatio;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        return (z ^ (z >> 27)) * 0x94D049BB133111EB;
    }

    private static double Steps<T>(Func<int, T> choose)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        using Arena<T> arena = new("chosen", T.Zero, T.MaxValue, T.One, new ArenaOptions<T> { SingleThreaded = true });
        List<T> starts = [];
        for (int i = 0; i < Ranges; i++)
        {
            T start = choose(i);
            RangeConstraints<T> here = new() { Min = start, Max = start + T.One };
            if (start < T.MaxValue - T.One && arena.TryAllocateConstrained(T.One, here, FitPolicy.FirstFit, out _))
            {
                starts.Add(start);
            }
        }

        Assert.True(starts.Count > Ranges - 3, $"Only {starts.Count} of the starts were free.");
        _ = StepCounter.Take();
        foreach (T start in starts)
        {
            Assert.True(arena.TryGetSegment(start, out Segment<T> segment) && segment.Start == start);
        }

        return (double)StepCounter.Take() / starts.Count;
    }
}
