using Vmem.Memory.Tests.Internals;
using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>When the tables cannot grow, a call fails clean; and what gives memory back does not fail at all.</summary>
public unsafe class FaultTests(ITestOutputHelper output)
{
    private const int BlockSize = 1_024;
    private const int Granules = 4_096;

    /// <summary>Each growth of a table fails, or each second one; the call is then made again.</summary>
    [Theory]
    [InlineData(16, 1)]
    [InlineData(512, 1)]
    [InlineData(BlockSize, 1)]
    [InlineData(BlockSize, 2)]
    [InlineData(3 * BlockSize, 1)]
    [InlineData(3 * BlockSize, 2)]
    public void A_request_whose_tables_cannot_grow_is_refused_and_changes_nothing(int size, int each)
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        int growths = 0;
        int refused = 0;
        while (true)
        {
            MemoryClientStatistics before = client.GetStatistics();
            void* block;
            using (TableFaults.Inject(() => ++growths % each == 0))
            {
                if (client.TryAllocate((nuint)size, out block))
                {
                    *(byte*)block = 1;
                    continue;
                }

                if (each == 1)
                {
                    Assert.False(client.TryAllocateZeroed((nuint)size, out _) || client.TryReallocate(null, (nuint)size, out _));
                    Assert.Throws<ClientExhaustedException>(() => client.Allocate((nuint)size));
                    Assert.Throws<ClientExhaustedException>(() => client.Rent<byte>(size));
                }
            }

            MemoryClientStatistics after = client.GetStatistics();
            Assert.True(block is null);
            Assert.Equal(
                (before.InUse, before.LiveBlocks, before.Allocations, before.Failures + (each == 1 ? 5 : 1)),
                (after.InUse, after.LiveBlocks, after.Allocations, after.Failures));
            context.Validate();
            if (!client.TryAllocate((nuint)size, out _))
            {
                break;
            }

            refused++;
        }

        output.WriteLine($"{growths} growths, {refused} requests refused");
        Assert.True(refused > 0 || each > 1, "No table had to grow.");
        Assert.True(client.InUse >= context.Size - (3 * BlockSize), "All of the memory was meant to be had.");
        client.Dispose();
        Assert.Equal(context.Size, context.GetStatistics().LargestFree);
        context.Validate();
    }

    [Fact]
    public void A_request_without_memory_for_the_record_of_who_asks_is_refused()
    {
        using MemoryContext context = Create(MemoryContextFeatures.Audit);
        using MemoryClient client = context.CreateClient("client");
        void* block = client.Allocate(2 * BlockSize);
        void* neighbor = client.Allocate(2 * BlockSize);
        long failures = client.GetStatistics().Failures;
        using (TableFaults.Inject(() => true))
        {
            Assert.False(client.TryAllocate(3 * BlockSize, out void* none) || none is not null);
            Assert.False(client.TryAllocateZeroed(100, out none) || none is not null);
            Assert.False(client.TryReallocate(block, 20 * BlockSize, out void* same));
            Assert.True(same == block);
            Assert.False(client.TryReallocate(null, 100, out none) || none is not null);
            Assert.Throws<ClientExhaustedException>(() => client.Allocate(100));
            Assert.Throws<ClientExhaustedException>(() => client.AllocateAligned(100, 64));
            Assert.Throws<ClientExhaustedException>(() => client.Reallocate(block, 20 * BlockSize));
            Assert.Throws<ClientExhaustedException>(() => client.Rent<byte>(100));
            Assert.Equal(((nuint)(4 * BlockSize), 2), (client.InUse, client.GetStatistics().LiveBlocks));
            client.Free(block);
            Assert.Throws<InvalidFreeException>(() => client.Free(block));
        }

        Assert.Equal(failures + 8, client.GetStatistics().Failures);
        context.Validate();
        client.Free(neighbor);
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
