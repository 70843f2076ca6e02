using Vmem.Testing.Generation;

namespace Vmem.Memory.Tests.Isolation.Model;

/// <summary>A context to begin with and what is done to it.</summary>
public sealed record ContextScenario(ContextLayout Layout, IReadOnlyList<ContextStep> Steps)
{
    /// <summary>A layout with these features, and <paramref name="count"/> steps.</summary>
    public static ContextScenario Draw(ulong seed, MemoryContextFeatures features, int count, bool isLong = false)
    {
        SeededRandom random = new(seed);
        ContextLayout layout = isLong ? ContextLayout.DrawLong(random, features) : ContextLayout.Draw(random, features);
        return new ContextScenario(layout, [.. Enumerable.Range(0, count).Select(_ => DrawStep(random, layout))]);
    }

    public ContextScenario Take(int count) => this with { Steps = [.. Steps.Take(count)] };

    public override string ToString() => $"{Layout}\n{string.Join('\n', Steps)}";

    private static ContextStep DrawStep(SeededRandom random, ContextLayout layout)
    {
        ContextStepKind kind = random.Below(100) switch
        {
            < 3 => ContextStepKind.CreateClient,
            < 4 => ContextStepKind.DisposeClient,
            < 50 => ContextStepKind.Allocate,
            < 70 => ContextStepKind.Free,
            < 77 => ContextStepKind.Reallocate,
            < 85 => ContextStepKind.Resize,
            < 93 => ContextStepKind.WrongFree,
            < 96 => ContextStepKind.Overrun,
            < 97 => ContextStepKind.Scribble,
            < 99 => ContextStepKind.Trim,
            _ => ContextStepKind.TrimContext,
        };
        return new ContextStep(kind, random.Below(64), random.Below(1_024), DrawSize(random, layout), random.Below(1_024));
    }

    /// <summary>Mostly small; often at or beside a power of two, where rounding changes; sometimes longer than a block, or than the whole
    /// context.</summary>
    private static int DrawSize(SeededRandom random, ContextLayout layout)
    {
        int edge = layout.Alignment << random.Below(10);
        return random.Below(10) switch
        {
            < 3 => random.Below(4 * layout.Alignment),
            < 6 => edge - 1 + random.Below(3),
            < 8 => random.Below(layout.BlockSize / 2),
            < 9 => random.Below(2 * layout.BlockSize),
            _ => random.Below(layout.Size + layout.BlockSize),
        };
    }
}
