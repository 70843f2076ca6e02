using System.Buffers;
using System.IO.Pipelines;
using Xunit;

namespace Vmem.Memory.Tests.Documents;

/// <summary>The README's example of the heap (see DocumentedExamples), and what docs/memory.md says of the pools over it.</summary>
public class HeapExamples
{
    [Fact]
    public unsafe void Blocks_of_a_heap()
    {
        #region heap
        using var heap = new NativeHeap();
        byte* text = (byte*)heap.Allocate(80);
        text = (byte*)heap.Reallocate(text, 200);    // as malloc, realloc, free
        heap.Free(text);

        using var pool = new NativeMemoryPool<byte>(heap);
        using IMemoryOwner<byte> buffer = pool.Rent(4_096);
        #endregion

        Assert.Equal(1, heap.GetStatistics().LiveBlocks);
    }

    [Fact]
    public async Task A_pipe_over_a_heap()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap);
        Pipe pipe = new(new PipeOptions(pool));
        pipe.Writer.GetSpan(1_000).Fill(7);
        pipe.Writer.Advance(1_000);
        await pipe.Writer.CompleteAsync();
        ReadResult read = await pipe.Reader.ReadAsync(TestContext.Current.CancellationToken);
        Assert.Equal(1_000, read.Buffer.Length);
        await pipe.Reader.CompleteAsync();
    }
}
