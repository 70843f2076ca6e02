using System.Buffers;
using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>Guard bytes: whatever is written behind a block is found, and said of which block of whose.</summary>
public unsafe class GuardTests
{
    private const int BlockSize = 4_096;

    /// <summary>At least eight bytes, and all that rounding added.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(24)]
    [InlineData(25)]
    [InlineData(1_000)]
    [InlineData(BlockSize - 8)]
    [InlineData((2 * BlockSize) - 100)]
    public void Every_byte_behind_a_block_is_watched(int size)
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("careless");
        byte* block = (byte*)client.Allocate((nuint)size);
        nuint footprint = client.InUse;
        Assert.True((nuint)size + 8 <= footprint);
        for (nuint at = (nuint)size; at < footprint; at++)
        {
            foreach (byte change in new byte[] { 1, 0x80 })
            {
                block[at] ^= change;
                AssertCorrupted(client, block, () => client.Free(block));
                AssertCorrupted(client, block, () => client.TryResize(block, 1));
                AssertCorrupted(client, block, () => client.Reallocate(block, 3_000));
                string message = Assert.Throws<InvariantViolationException>(context.Validate).Message;
                Assert.Contains("careless", message, StringComparison.Ordinal);
                Assert.Contains($"{(nuint)block:x}", message, StringComparison.OrdinalIgnoreCase);
                block[at] ^= change;
            }
        }

        context.Validate();
        client.Free(block);
        Assert.Equal((nuint)0, client.InUse);
    }

    /// <summary>What may be written is not watched.</summary>
    [Fact]
    public void Every_byte_of_a_block_may_be_written()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        for (int size = 0; size < 600; size++)
        {
            void* block = client.Allocate((nuint)size);
            new Span<byte>(block, size).Fill(0xFF);
            context.Validate();
            client.Free(block);
        }
    }

    /// <summary>The guard moves with the block's end, also where its rounded size stays the same.</summary>
    [Theory]
    [InlineData(20, 24)]
    [InlineData(24, 20)]
    [InlineData(20, 500)]
    [InlineData(500, 20)]
    [InlineData(4_000, 9_000)]
    [InlineData(9_000, 4_000)]
    [InlineData(9_000, 50)]
    public void A_resized_block_is_guarded_where_it_ends(int from, int to)
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        byte* block = (byte*)client.Reallocate(client.Allocate((nuint)from), (nuint)to);
        Assert.Equal((nuint)to, client.GetSize(block));
        new Span<byte>(block, to).Fill(0xEE);
        context.Validate();
        block[to] ^= 1;
        AssertCorrupted(client, block, () => client.Free(block));
        block[to] ^= 1;
        client.Free(block);
    }

    /// <summary>A span or an owner of few elements has a guard behind its last.</summary>
    [Fact]
    public void Spans_and_owners_are_guarded_too()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        fixed (int* numbers = client.AllocateSpan<int>(3))
        {
            numbers[3]++;
            int* span = numbers;
            AssertCorrupted(client, span, () => client.Free(new Span<int>(span, 3)));
            numbers[3]--;
            client.Free(new Span<int>(span, 3));
        }

        IMemoryOwner<int> owner = client.Rent<int>(3);
        using MemoryHandle pin = owner.Memory.Pin();
        byte* end = (byte*)pin.Pointer + 12;
        end[0]++;
        AssertCorrupted(client, pin.Pointer, owner.Dispose);
        end[0]--;
        context.Validate();
        owner.Memory.Span[2] = 5;                 // it is the owner's as before
        owner.Dispose();
        owner.Dispose();
        Assert.Equal((nuint)0, client.InUse);
        Assert.Throws<ObjectDisposedException>(() => owner.Memory.Span.Length);
    }

    [Fact]
    public void An_overrun_into_the_next_block_names_the_block_that_was_run_over()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        nint[] blocks = [.. Enumerable.Range(0, 8).Select(_ => (nint)client.Allocate(24)).Order()];
        Assert.Equal(blocks[0] + 32, blocks[1]);
        new Span<byte>((void*)blocks[0], 32 + 24).Fill(0x12);
        AssertCorrupted(client, (void*)blocks[0], () => client.Free((void*)blocks[0]));
        Assert.All(blocks[1..], block => client.Free((void*)block));
        Assert.Equal(1, client.GetStatistics().LiveBlocks);
    }

    private static MemoryContext Create() =>
        new(16 * BlockSize, new MemoryContextOptions
        {
            BlockSize = BlockSize,
            Features = MemoryContextFeatures.GuardBytes | MemoryContextFeatures.ZeroOnHandOver
        });

    private static void AssertCorrupted(MemoryClient client, void* block, Action call)
    {
        MemoryClientStatistics before = client.GetStatistics();
        InvalidFreeException refusal = Assert.Throws<InvalidFreeException>(call);
        Assert.Equal(InvalidFreeReason.Corrupted, refusal.Reason);
        Assert.Equal((UInt128)(nuint)block, refusal.Start);
        Assert.Contains(client.Name, refusal.Message, StringComparison.Ordinal);
        Assert.Contains($"{(nuint)block:x}", refusal.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(before, client.GetStatistics());
        Assert.True(client.Owns(block));
    }
}
