using Vmem.Testing.Generation;

namespace Vmem.Testing.Buddy;

/// <summary>A buddy allocator to begin with, and what is done to it.</summary>
/// <param name="Size">The length of the range in values.</param>
/// <param name="MinShift">The base-2 logarithm of the smallest block.</param>
/// <param name="MaxShift">The base-2 logarithm of the largest block.</param>
/// <param name="AtTop">Whether the range ends at the top of the type; otherwise it starts at <paramref name="Start"/>.</param>
/// <param name="Start">Its first value, if it does not.</param>
/// <param name="Steps">What is done.</param>
public sealed record BuddyScenario(long Size, int MinShift, int MaxShift, bool AtTop, long Start, IReadOnlyList<BuddyStep> Steps)
{
    /// <summary>A range within the first <paramref name="top"/> values of a type that has as many or more.</summary>
    public static BuddyScenario Draw(SeededRandom random, int top, int steps)
    {
        int minShift = random.Below(4);
        int size = Math.Max(1 << minShift, 1 + random.Below(random.Below(3) == 0 ? 8 << minShift : top - 1));
        int maxShift = Math.Min(minShift + random.Below(15), 30 - int.LeadingZeroCount(top));
        int start = random.Below(top - size + 1);
        return new BuddyScenario(
            size,
            minShift,
            Math.Max(maxShift, minShift),
            random.Below(3) == 0,
            start,
            [.. DrawSteps(random, size, steps)]);
    }

    /// <summary>The smallest scenario found for which <paramref name="fails"/> holds: fewer steps, then a simpler range.</summary>
    public static BuddyScenario Shrink(BuddyScenario scenario, Func<BuddyScenario, bool> fails)
    {
        for (int length = Math.Max(1, scenario.Steps.Count / 2); length >= 1; length /= 2)
        {
            for (int start = scenario.Steps.Count - length; start >= 0; start -= length)
            {
                BuddyScenario candidate = scenario with { Steps = [.. scenario.Steps.Take(start), .. scenario.Steps.Skip(start + length)] };
                scenario = fails(candidate) ? candidate : scenario;
            }
        }

        BuddyScenario[] simpler = [
            scenario with { Start = 0 },
            scenario with { AtTop = false },
            scenario with { Size = Math.Max(scenario.Size / 2, 1L << scenario.MinShift) }
        ];
        return simpler.FirstOrDefault(candidate => candidate != scenario && fails(candidate)) ?? scenario;
    }

    public override string ToString() =>
        $"size {Size}, blocks 2^{MinShift} to 2^{MaxShift}, {(AtTop ? "at the top" : $"from {Start}")}\n{string.Join('\n', Steps)}";

    private static IEnumerable<BuddyStep> DrawSteps(SeededRandom random, int size, int count)
    {
        bool filling = true;
        for (int i = 0; i < count; i++)
        {
            filling = random.Below(40) == 0 ? !filling : filling;
            int draw = random.Below(100);
            BuddyStepKind kind =
                draw < (filling ? 60 : 30) ? BuddyStepKind.Allocate :
                draw < 80 ? BuddyStepKind.Free :
                draw < 86 ? BuddyStepKind.FreeWrong :
                draw < 94 ? BuddyStepKind.Resize :
                draw < 99 || random.Below(10) > 0 ? BuddyStepKind.Ask : BuddyStepKind.Reset;
            int wanted = 1 + random.Below(random.Below(4) == 0 ? size + 2 : Math.Min(size, 40));
            yield return new BuddyStep(kind, wanted, random.Below(1 << 16), random.Below(size + 20) - 10);
        }
    }
}
