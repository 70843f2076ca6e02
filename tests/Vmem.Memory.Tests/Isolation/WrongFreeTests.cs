using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>A free that cannot be right is refused, says what was wrong, and changes nothing.</summary>
public unsafe class WrongFreeTests
{
    private const int BlockSize = 4_096;

    [Theory]
    [InlineData(16)]
    [InlineData(1_000)]
    [InlineData(3 * BlockSize)]
    public void Another_clients_block_is_named_as_that_clients(int size)
    {
        using MemoryContext context = Create();
        using MemoryClient owner = context.CreateClient("the-owner");
        using MemoryClient thief = context.CreateClient("the-thief");
        byte* block = (byte*)owner.Allocate((nuint)size);
        foreach (int at in new[] { 0, 1, size - 1 })
        {
            InvalidFreeException refusal = Refused(thief, block + at, InvalidFreeReason.OtherOwner);
            Assert.Contains("the-owner", refusal.Message, StringComparison.Ordinal);
            Assert.Contains("the-thief", refusal.Message, StringComparison.Ordinal);
        }

        Assert.Throws<InvalidFreeException>(() => thief.GetSize(block));
        Assert.Throws<InvalidFreeException>(() => thief.TryResize(block, 1));
        Assert.Throws<InvalidFreeException>(() => thief.Reallocate(block, 1));
        owner.Free(block);
    }

    [Theory]
    [InlineData(16)]
    [InlineData(1_000)]
    [InlineData(2_048)]
    public void A_block_freed_twice_is_free_already(int size)
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        client.Allocate(16);
        void* block = client.Allocate((nuint)size);
        client.Free(block);
        Refused(client, block, InvalidFreeReason.AlreadyFree);
        client.Trim();
        InvalidFreeReason reason = context.TryGetClient(block, out _) ? InvalidFreeReason.AlreadyFree : InvalidFreeReason.NotAllocated;
        Refused(client, block, reason);
    }

    [Fact]
    public void A_large_block_freed_twice_is_not_allocated()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        byte* block = (byte*)client.Allocate(3 * BlockSize);
        client.Free(block);
        Refused(client, block, InvalidFreeReason.NotAllocated);
        Refused(client, block + BlockSize, InvalidFreeReason.NotAllocated);
    }

    [Theory]
    [InlineData(32)]
    [InlineData(2_048)]
    [InlineData(2 * BlockSize)]
    public void Every_address_inside_a_block_is_interior(int size)
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        byte* block = (byte*)client.Allocate((nuint)size);
        for (int at = 1; at < size; at += at < 20 ? 1 : 61)
        {
            InvalidFreeException refusal = Refused(client, block + at, InvalidFreeReason.InteriorAddress);
            Assert.Contains($"{(nuint)block:x}", refusal.Message, StringComparison.OrdinalIgnoreCase);
        }

        Assert.Equal((UInt128)(nuint)(block + 1), Refused(client, block + 1, InvalidFreeReason.InteriorAddress).Start);
    }

    /// <summary>The blocks that a block's place had before it are stale, too.</summary>
    [Fact]
    public void A_stale_address_inside_a_longer_block_is_interior()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        nint[] small = [.. Enumerable.Range(0, 256).Select(_ => (nint)client.Allocate(16))];
        Array.ForEach(small, block => client.Free((void*)block));
        client.Trim();
        byte* one = (byte*)client.Allocate(2_048);
        byte* two = (byte*)client.Allocate(2_048);
        foreach (nint block in small)
        {
            if ((byte*)block != one && (byte*)block != two)
            {
                Refused(client, (byte*)block, InvalidFreeReason.InteriorAddress);
            }
        }
    }

    [Fact]
    public void Addresses_outside_the_context_were_never_allocated()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        client.Allocate(16);
        byte* start = (byte*)context.Start;
        byte* end = start + context.Size;
        Refused(client, start - 1, InvalidFreeReason.NotAllocated);
        Refused(client, start - 16, InvalidFreeReason.NotAllocated);
        Refused(client, end, InvalidFreeReason.NotAllocated);
        Refused(client, end + 16, InvalidFreeReason.NotAllocated);
        Refused(client, (void*)16, InvalidFreeReason.NotAllocated);
        Refused(client, (void*)1, InvalidFreeReason.NotAllocated);
        Refused(client, (void*)nuint.MaxValue, InvalidFreeReason.NotAllocated);
        Refused(client, (void*)(nuint.MaxValue & ~(nuint)15), InvalidFreeReason.NotAllocated);
        Refused(client, (void*)((nuint)start ^ ((nuint)1 << 63)), InvalidFreeReason.NotAllocated);
    }

    [Fact]
    public void Memory_that_no_client_holds_was_never_allocated()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        byte* block = (byte*)client.Allocate(16);
        byte* elsewhere = (byte*)context.Start + (((nuint)(block - (byte*)context.Start) + (8 * BlockSize)) % context.Size);
        Refused(client, elsewhere, InvalidFreeReason.NotAllocated);
    }

    [Fact]
    public void Another_contexts_block_was_never_allocated()
    {
        using MemoryContext context = Create();
        using MemoryContext other = Create();
        using MemoryClient client = context.CreateClient("client");
        using MemoryClient stranger = other.CreateClient("client");
        void* block = stranger.Allocate(16);
        Refused(client, block, InvalidFreeReason.NotAllocated);
        stranger.Free(block);
    }

    /// <summary>The first region is another client's, and the block not the first of its own.</summary>
    [Fact]
    public void The_place_in_a_block_is_told_by_its_distance_and_its_block()
    {
        using MemoryContext context = Create();
        using MemoryClient other = context.CreateClient("other");
        using MemoryClient client = context.CreateClient("client");
        other.Allocate(1_024);
        for (int count = 0; count < 4; count++)
        {
            byte* block = (byte*)client.Allocate(1_024);
            Assert.Contains($"it lies 5 bytes inside the block at 0x{(nuint)block:x}. ",
                Refused(client, block + 5, InvalidFreeReason.InteriorAddress).Message, StringComparison.Ordinal);
            Assert.Contains($"it lies 1023 bytes inside the block at 0x{(nuint)block:x}. ",
                Refused(client, block + 1_023, InvalidFreeReason.InteriorAddress).Message, StringComparison.Ordinal);
            Assert.True(client.Owns(block + 1_023));
        }
    }

    [Fact]
    public void What_lies_outside_is_told_from_what_nobody_holds()
    {
        const string Outside = "it lies outside the context's memory";
        const string Nobodys = "no client holds that memory (any more)";
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        byte* start = (byte*)context.Start;
        byte* end = start + context.Size;
        foreach (nint address in (nint[])[(nint)start, (nint)end - 1, (nint)end - 16, (nint)start - 1, (nint)end])
        {
            string why = address >= (nint)start && address < (nint)end ? Nobodys : Outside;
            Assert.Contains(why, Refused(client, (void*)address, InvalidFreeReason.NotAllocated).Message, StringComparison.Ordinal);
        }
    }

    /// <summary>A block that moved is not where it was.</summary>
    [Fact]
    public void The_address_that_a_block_moved_from_is_stale()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        client.Allocate(16);
        void* block = client.Allocate(100);
        void* moved = client.Reallocate(block, 3 * BlockSize);
        Refused(client, block, InvalidFreeReason.AlreadyFree);
        client.Free(moved);
    }

    private static MemoryContext Create() => new(16 * BlockSize, new MemoryContextOptions { Alignment = 16, BlockSize = BlockSize });

    private static InvalidFreeException Refused(MemoryClient client, void* address, InvalidFreeReason reason)
    {
        MemoryContext context = client.Context;
        (MemoryClientStatistics, MemoryContextStatistics) before = (client.GetStatistics(), context.GetStatistics());
        InvalidFreeException refusal = Assert.Throws<InvalidFreeException>(() => client.Free(address));
        Assert.Equal(reason, refusal.Reason);
        Assert.Equal((UInt128)(nuint)address, refusal.Start);
        Assert.Contains(client.Name, refusal.Message, StringComparison.Ordinal);
        Assert.Contains($"{(nuint)address:x}", refusal.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(before, (client.GetStatistics(), context.GetStatistics()));
        context.Validate();
        return refusal;
    }
}
