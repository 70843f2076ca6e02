using System.Buffers;
using System.IO.Pipelines;
using Xunit;

namespace Vmem.Memory.Tests.Pools;

/// <summary>The pool under System.IO.Pipelines.</summary>
public class PipelineTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Pipes_carry_every_byte_and_give_every_block_back(bool recycle)
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap, new NativeMemoryPoolOptions { RecycleOwners = recycle });
        PipeOptions options = new(
            pool,
            pauseWriterThreshold: 40_000,
            resumeWriterThreshold: 20_000,
            minimumSegmentSize: 1_000,
            useSynchronizationContext: false);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(seed => CarryAsync(new Pipe(options), seed)));
        Assert.Equal(0, pool.GetStatistics().Outstanding);
        Assert.Equal(0, pool.GetStatistics().StrayDisposals);
        Assert.InRange(pool.GetStatistics().Rents, 8 * 2_000_000 / 40_000, long.MaxValue);
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        heap.Validate();
    }

    [Fact]
    public async Task Streams_over_pipes_use_the_pool()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap);
        byte[] bytes = new byte[300_000];
        new Random(1).NextBytes(bytes);
        PipeReader reader = PipeReader.Create(new MemoryStream(bytes), new StreamPipeReaderOptions(pool));
        ReadResult all = await reader.ReadAtLeastAsync(bytes.Length, TestContext.Current.CancellationToken);
        Assert.True(all.Buffer.ToArray().AsSpan().SequenceEqual(bytes));
        Assert.InRange(heap.GetStatistics().LiveBlocks, 1, 100);
        await reader.CompleteAsync();
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
    }

    private static async Task CarryAsync(Pipe pipe, int seed)
    {
        const int Total = 2_000_000;
        Task writing = Task.Run(async () =>
        {
            Random random = new(seed);
            int written = 0;
            while (written < Total)
            {
                int count = Math.Min(1 + random.Next(9_000), Total - written);
                Memory<byte> memory = pipe.Writer.GetMemory(count);
                for (int i = 0; i < count; i++)
                {
                    memory.Span[i] = ByteAt(seed, written + i);
                }

                written += count;
                pipe.Writer.Advance(count);
                await pipe.Writer.FlushAsync();
            }

            await pipe.Writer.CompleteAsync();
        });
        int read = 0;
        while (true)
        {
            ReadResult result = await pipe.Reader.ReadAsync();
            foreach (ReadOnlyMemory<byte> part in result.Buffer)
            {
                AssertBytes(seed, read, part.Span);
                read += part.Length;
            }

            pipe.Reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                break;
            }
        }

        await pipe.Reader.CompleteAsync();
        await writing;
        Assert.Equal(Total, read);
    }

    private static void AssertBytes(int seed, int position, ReadOnlySpan<byte> bytes)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] != ByteAt(seed, position + i))
            {
                Assert.Fail($"Byte {position + i} of pipe {seed} is {bytes[i]}.");
            }
        }
    }

    private static byte ByteAt(int seed, int position) => (byte)((position * 31) + (position >> 8) + seed);
}
