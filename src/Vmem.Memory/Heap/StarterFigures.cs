namespace Vmem.Memory.Heap;

/// <summary>What the <see cref="StarterArena"/> of a heap has and has done.</summary>
internal record struct StarterFigures
{
    /// <summary>Bytes of its granules.</summary>
    public nuint Held { get; set; }

    /// <summary>Bytes of live blocks.</summary>
    public nuint InUse { get; set; }

    public long LiveBlocks { get; set; }

    /// <summary>Blocks that were ever handed out.</summary>
    public long Allocations { get; set; }
}
