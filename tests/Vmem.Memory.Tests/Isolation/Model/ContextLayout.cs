using System.Globalization;
using Vmem.Memory.Tests.Blocks;
using Vmem.Testing.Generation;

namespace Vmem.Memory.Tests.Isolation.Model;

/// <summary>The context that a sequence of steps begins with.</summary>
/// <param name="Origin">Where its block comes from.</param>
/// <param name="Size">The block's size in bytes.</param>
/// <param name="Offset">How many bytes past a page boundary it starts.</param>
/// <param name="Alignment">The context's alignment.</param>
/// <param name="BlockSize">The context's block size.</param>
/// <param name="Features">The context's features.</param>
public sealed record ContextLayout(BlockOrigin Origin, int Size, int Offset, int Alignment, int BlockSize, MemoryContextFeatures Features)
{
    /// <summary>A small context, so that exhaustion is common: two to ten times the block size.</summary>
    public static ContextLayout Draw(SeededRandom random, MemoryContextFeatures features)
    {
        int alignment = 8 << random.Below(4);
        int blockSize = alignment * 64 << random.Below(3);
        return Draw(random, features, alignment, blockSize, granules: 3 + random.Below(8));
    }

    /// <summary>A context of up to 160 times the block size, where clients take several at a time.</summary>
    public static ContextLayout DrawLong(SeededRandom random, MemoryContextFeatures features)
    {
        int alignment = 8 << random.Below(2);
        return Draw(random, features, alignment, alignment * 64, granules: 33 + random.Below(128));
    }

    public bool Has(MemoryContextFeatures feature) => (Features & feature) == feature;

    /// <summary>As C#.</summary>
    public override string ToString()
    {
        string features = string.Join(" | ", Features.ToString().Split(", ").Select(name => $"MemoryContextFeatures.{name}"));
        return string.Create(CultureInfo.InvariantCulture, $"new ContextLayout(BlockOrigin.{Origin}, {Size}, {Offset}, {Alignment}, {BlockSize}, {features})");
    }

    private static ContextLayout Draw(SeededRandom random, MemoryContextFeatures features, int alignment, int blockSize, int granules)
    {
        // Mapped files are fewer: each is a file on disk.
        BlockOrigin origin = random.Below(8) switch { 0 => BlockOrigin.Mapped, < 4 => BlockOrigin.Own, _ => BlockOrigin.Callers };
        int size = (blockSize * granules) + (random.Below(2) == 0 ? 0 : random.Below(blockSize));
        int offset = random.Below(3) == 0 ? 0 : random.Below(blockSize);
        return new ContextLayout(origin, size, offset, alignment, blockSize, features);
    }
}
