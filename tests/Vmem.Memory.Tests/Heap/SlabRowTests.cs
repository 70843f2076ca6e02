using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Blocks that lie one behind the other go back to their slabs together, and what is not right about them is found all the
/// same.</summary>
public unsafe class SlabRowTests
{
    private const int Count = 5_000;

    public static TheoryData<int, bool> Sizes
    {
        get
        {
            var sizes = new TheoryData<int, bool>();
            foreach (int size in (int[])[16, 64, 72, 208, 512, 1_200, 4_100])
            {
                sizes.Add(size, false);
                sizes.Add(size, true);
            }

            return sizes;
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Rows_go_back_upward_downward_and_in_pieces(int size, bool trust)
    {
        using NativeHeap heap = new(new NativeHeapOptions { TrustCaller = trust });
        foreach (Func<nuint[], IEnumerable<nuint>> order in (Func<nuint[], IEnumerable<nuint>>[])
            [
                blocks => blocks.Order(),
                blocks => blocks.OrderDescending(),
                blocks => blocks.Order().Chunk(100).SelectMany((piece, i) => i % 2 == 0 ? piece : piece.Reverse()),
                blocks => blocks.Order().Chunk(3).SelectMany(piece => piece.Reverse()),
            ])
        {
            nuint[] blocks = Allocate(heap, size);
            Assert.Equal(Count, blocks.Distinct().Count());
            foreach (nuint[] some in order(blocks).Chunk(Count / 5))
            {
                Array.ForEach(some, block => heap.Free((void*)block));
                heap.Validate();
            }

            _ = heap.Trim();
            Assert.Equal((0u, 0), (heap.GetStatistics().Held, heap.GetStatistics().Slabs));
        }
    }

    /// <summary>A row of which some blocks had been freed before: the others are free afterwards.</summary>
    [Theory]
    [InlineData(-64)]
    [InlineData(-63)]
    [InlineData(-32)]
    [InlineData(-1)]
    public void A_row_that_is_partly_free_is_found(int overlap)
    {
        using NativeHeap heap = new(new NativeHeapOptions { TrustCaller = true });
        nuint[] blocks = [.. Allocate(heap, 64).Order()];
        Array.ForEach(blocks[..2_000], block => heap.Free((void*)block));
        _ = heap.Trim();
        Array.ForEach(blocks[(2_000 + overlap)..], block => heap.Free((void*)block));
        Assert.Throws<InvalidFreeException>(() => heap.Trim());
        _ = heap.Trim();
        heap.Validate();
        Assert.Equal((0u, 0), (heap.GetStatistics().Held, heap.GetStatistics().Slabs));
    }

    private static nuint[] Allocate(NativeHeap heap, int size)
    {
        nuint[] blocks = new nuint[Count];
        foreach (ref nuint block in blocks.AsSpan())
        {
            block = (nuint)heap.Allocate((nuint)size);
        }

        return blocks;
    }
}
