using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>How a table grows and shrinks by chunks: each has room for as many items as all before it, so that the capacity
/// doubles.</summary>
internal static class Doubling
{
    /// <summary>How many items the next chunk has room for. Asked before anything is changed.</summary>
    /// <exception cref="InsufficientMemoryException">There can be no more.</exception>
    public static uint NextChunk(uint capacity, uint firstChunk)
    {
        if (capacity > int.MaxValue)
        {
            throw new InsufficientMemoryException("A table of an arena has reached its limit of 2^32 entries.");
        }

        GrowthFault.ThrowIfDue();
        return capacity == 0 ? firstChunk : capacity;
    }

    /// <summary>Whether so many items have room without the last chunk.</summary>
    public static bool IsLastSpare(uint capacity, uint firstChunk, uint needed) => capacity > firstChunk && capacity / 2 >= needed;

    /// <summary>Which item the last chunk begins with.</summary>
    public static uint FirstOfLast(uint capacity, uint firstChunk) => capacity == firstChunk ? 0 : capacity / 2;
}
