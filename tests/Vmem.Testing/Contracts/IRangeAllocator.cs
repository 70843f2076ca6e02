namespace Vmem.Testing.Contracts;

/// <summary>An allocator of ranges, as its contract's tests see it.</summary>
public interface IRangeAllocator
{
    /// <summary>The first address it may hand out.</summary>
    long First { get; }

    /// <summary>The last one.</summary>
    long Last { get; }

    /// <summary>The largest request that it says it could meet now; 0 if none.</summary>
    long LargestFree { get; }

    bool TryAllocate(long size, out long start);

    /// <summary>Frees a range; a wrong call throws an <see cref="InvalidFreeException"/>.</summary>
    void Free(long start, long size);

    /// <summary>What a request of this size takes up.</summary>
    long Rounded(long size);

    /// <summary>Whether a request could be met beside these live ranges (in address order, as rounded), told naively.</summary>
    bool CouldFit(long size, IReadOnlyList<(long Start, long Size)> live);

    void Validate();
}
