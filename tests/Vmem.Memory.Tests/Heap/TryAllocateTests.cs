using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>The calls that say false where others throw, and the alignment that a heap promises for every block.</summary>
public unsafe class TryAllocateTests
{
    private const nuint Limit = 1 << 20;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_does_not_fit_is_refused_and_changes_nothing(bool debugging)
    {
        HeapDebugging found = debugging ? HeapDebugging.Default : HeapDebugging.None;
        using NativeHeap heap = new(new NativeHeapOptions { Limit = Limit, Debugging = found });
        byte* block = (byte*)heap.Allocate(1_000);
        new Span<byte>(block, 1_000).Fill(7);
        long failures = heap.GetStatistics().Failures;

        Assert.False(heap.TryAllocateZeroed(2 * Limit, out void* none));
        Assert.True(none is null);
        Assert.False(heap.TryAllocateAligned(2 * Limit, 4_096, out none));
        Assert.True(none is null);
        Assert.Throws<InsufficientMemoryException>(() => heap.AllocateAlignedZeroed(2 * Limit, 64));
        Assert.False(heap.TryReallocate(block, 2 * Limit, out void* same));
        Assert.True(same == block, "The block is where it was.");
        Assert.True(new ReadOnlySpan<byte>(block, 1_000).IndexOfAnyExcept((byte)7) < 0);
        Assert.Equal((failures + 4, 1), (heap.GetStatistics().Failures, heap.GetStatistics().LiveBlocks));
        heap.Free(block);
    }

    [Fact]
    public void Contents_go_with_a_block_that_is_reallocated()
    {
        using NativeHeap heap = new();
        void* block = null;
        for (int size = 1; size < 1 << 20; size *= 2)
        {
            Assert.True(heap.TryReallocate(block, (nuint)size, out block));
            for (int i = 0; i < size / 2; i++)
            {
                Assert.Equal((byte)i, ((byte*)block)[i]);
            }

            for (int i = 0; i < size; i++)
            {
                ((byte*)block)[i] = (byte)i;
            }
        }

        heap.Free(block);
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
    }

    [Fact]
    public void Zeroed_and_aligned_at_once()
    {
        using NativeHeap heap = new();
        foreach (nuint size in new nuint[] { 1, 100, 4_096, 40_000, 1_000_000 })
        {
            for (int shift = 0; shift <= 16; shift += 4)
            {
                for (int round = 0; round < 3; round++)
                {
                    byte* block = (byte*)heap.AllocateAlignedZeroed(size, (nuint)1 << shift);
                    Assert.Equal(0u, (nuint)block & (((nuint)1 << shift) - 1));
                    int usable = (int)heap.GetSize(block);
                    Assert.True(new ReadOnlySpan<byte>(block, usable).IndexOfAnyExcept((byte)0) < 0);
                    new Span<byte>(block, usable).Fill(0xff);
                    heap.Free(block);
                }
            }
        }
    }

    /// <summary>Whatever call makes a block, and whatever its size.</summary>
    [Theory]
    [InlineData(0, false)]
    [InlineData(16, false)]
    [InlineData(16, true)]
    [InlineData(64, false)]
    [InlineData(4_096, false)]
    public void Every_block_has_the_minimum_alignment(int minimum, bool debugging)
    {
        using NativeHeap heap = new(new NativeHeapOptions
        {
            MinimumAlignment = (nuint)minimum,
            Debugging = debugging ? HeapDebugging.Default with { Owners = false } : HeapDebugging.None,
        });
        nuint mask = (nuint)Math.Max(minimum, 8) - 1;
        List<nint> blocks = [];
        for (int round = 0; round < 3; round++)
        {
            for (nuint size = 0; size < 3_000; size += 7)
            {
                Assert.True(heap.TryAllocate(size, out void* tried));
                foreach (nint block in (nint[])[(nint)heap.Allocate(size), (nint)tried, (nint)heap.AllocateZeroed(size),
                    (nint)heap.Reallocate(heap.Allocate(size / 2), size), (nint)heap.AllocateAligned(size, 8)])
                {
                    Assert.Equal(0u, (nuint)block & mask);
                    Assert.True(heap.GetSize((void*)block) >= size);
                    blocks.Add(block);
                }
            }

            blocks.ForEach(block => heap.Free((void*)block));
            blocks.Clear();
        }

        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        heap.Validate();
    }

    [Theory]
    [InlineData(3)]
    [InlineData(8_192)]
    public void A_minimum_alignment_that_cannot_be_had_is_refused(int minimum)
    {
        NativeHeapOptions options = new() { MinimumAlignment = (nuint)minimum };
        ArgumentException refusal = Assert.Throws<ArgumentException>(() => new NativeHeap(options));
        Assert.Contains($"{minimum}", refusal.Message);
    }
}
