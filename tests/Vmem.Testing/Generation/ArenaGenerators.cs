using FsCheck;
using FsCheck.Fluent;
using Vmem.Testing.Model;

namespace Vmem.Testing.Generation;

/// <summary>FsCheck's view of the generators: scenarios that it can draw and shrink.</summary>
public static class ArenaGenerators
{
    /// <summary>Scenarios of up to <paramref name="maxSteps"/> steps on a number line that ends at <paramref name="top"/>.</summary>
    public static Arbitrary<ArenaScenario> Scenarios(int top, int maxCells, int maxSteps) =>
        Arb.From(
            from seed in Gen.Choose(0, int.MaxValue)
            from count in Gen.Choose(1, maxSteps)
            select Draw((ulong)seed, top, maxCells, count),
            StepShrinker.Candidates);

    /// <summary>Constraints on an 8-bit number line, well formed or not, with a size.</summary>
    public static Arbitrary<(int Size, ModelConstraints Constraints)> Requests() =>
        Arb.From(
            from size in Gen.Choose(1, 255)
            from align in Gen.Choose(-1, 7)
            from phase in Gen.Choose(0, 128)
            from noCross in Gen.Choose(-1, 7)
            from min in Gen.Choose(0, 255)
            from max in Gen.Choose(0, 255)
            select (size, new ModelConstraints(align < 0 ? 0 : 1 << align, phase, noCross < 0 ? 0 : 1 << noCross, min, max)));

    private static ArenaScenario Draw(ulong seed, int top, int maxCells, int count)
    {
        SeededRandom random = new(seed);
        ArenaLayout layout = ArenaLayout.Draw(random, top, maxCells);
        StepGenerator generator = new(random, layout);
        return new ArenaScenario(layout, [.. Enumerable.Range(0, count).Select(_ => generator.Next())]);
    }
}
