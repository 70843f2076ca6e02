using Vmem.Memory.Tests.Internals;
using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>When the tables cannot grow, a call fails clean; and what gives memory back does not fail at all.</summary>
public unsafe class FaultTests(ITestOutputHelper output)
{
    private const int BlockSize = 1_024;
    private const int Granules = 4_096;

    /// <summary>Every growth of a table fails once; the call is then made again.</summary>
    [Theory]
    [InlineData(16)]
    [InlineData(512)]
    [InlineData(BlockSize)]
    [InlineData(3 * BlockSize)]
    public void A_request_whose_tables_cannot_grow_changes_nothing(int size)
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        int faults = 0;
        bool isMet = true;
        while (isMet)
        {
            MemoryClientStatistics before = client.GetStatistics();
            try
            {
                using (TableFaults.Inject(() => faults++ % 2 == 0))
                {
                    isMet = client.TryAllocate((nuint)size, out void* block);
                    if (isMet)
                    {
                        *(byte*)block = 1;
                    }
                }
            }
            catch (InsufficientMemoryException)
            {
                MemoryClientStatistics after = client.GetStatistics();
                Assert.Equal((before.InUse, before.LiveBlocks, before.Allocations), (after.InUse, after.LiveBlocks, after.Allocations));
                context.Validate();
            }
        }

        output.WriteLine($"{faults} faults");
        Assert.True(client.InUse >= context.Size - (3 * BlockSize), "All of the memory was meant to be had.");
        client.Dispose();
        Assert.Equal(context.Size, context.GetStatistics().LargestFree);
        context.Validate();
    }

    [Fact]
    public void Frees_and_deletions_need_no_memory()
    {
        using MemoryContext context = Create();
        for (int round = 0; round < 3; round++)
        {
            MemoryClient client = context.CreateClient("client");
            List<nint> blocks = [];
            while (client.TryAllocate((nuint)(blocks.Count % 3 == 0 ? BlockSize : 200), out void* block))
            {
                blocks.Add((nint)block);
            }

            using (TableFaults.Inject(() => true))
            {
                for (int i = 0; i < blocks.Count; i += round + 1)
                {
                    client.Free((void*)blocks[i]);
                }

                context.Trim();
                client.Dispose();
            }

            context.Validate();
            Assert.Equal(context.Size, context.GetStatistics().LargestFree);
        }
    }

    /// <summary>A block that cannot be resized has its contents, also where free memory is scrubbed. A large one that shrinks leaves a free
    /// range between two that are taken, and that needs a record.</summary>
    [Theory]
    [InlineData(MemoryContextFeatures.None)]
    [InlineData(MemoryContextFeatures.ZeroOnFree)]
    [InlineData(MemoryContextFeatures.PoisonOnFree)]
    public void A_resize_whose_tables_cannot_grow_changes_nothing(MemoryContextFeatures features)
    {
        using MemoryContext context = Create(features);
        using MemoryClient client = context.CreateClient("client");
        List<nint> blocks = [];
        while (client.TryAllocate(2 * BlockSize, out void* block))
        {
            new Span<byte>(block, 2 * BlockSize).Fill(0x3D);
            blocks.Add((nint)block);
        }

        int refused = 0;
        foreach (nint block in blocks)
        {
            bool isDone;
            using (TableFaults.Inject(() => true))
            {
                isDone = client.TryResize((void*)block, BlockSize);
            }

            int kept = isDone ? BlockSize : 2 * BlockSize;
            Assert.Equal((nuint)kept, client.GetSize((void*)block));
            Assert.Equal(-1, new ReadOnlySpan<byte>((void*)block, kept).IndexOfAnyExcept((byte)0x3D));
            refused += isDone ? 0 : 1;
        }

        Assert.True(refused > 0, "No table had to grow.");
        Assert.All(blocks, block => Assert.True(client.TryResize((void*)block, BlockSize)));
        context.Validate();
    }

    private static MemoryContext Create(MemoryContextFeatures features = MemoryContextFeatures.None) =>
        new(Granules * BlockSize, new MemoryContextOptions { Alignment = 16, BlockSize = BlockSize, Features = features });
}
