using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>Poison: who writes to memory after freeing it is found out, at the latest when somebody gets it.</summary>
public unsafe class PoisonTests
{
    private const int BlockSize = 4_096;

    [Theory]
    [InlineData(16)]
    [InlineData(100)]
    [InlineData(2_048)]
    public void Freed_memory_is_poisoned(int size)
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        client.Allocate(16);
        byte* block = (byte*)client.Allocate((nuint)size);
        nuint usable = client.GetSize(block);
        AssertPoison(block, usable);
        new Span<byte>(block, (int)usable).Fill(0x21);
        client.Free(block);
        AssertPoison(block, usable);
        context.Validate();
    }

    [Fact]
    public void What_a_block_shrinks_by_is_poisoned()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        byte* block = (byte*)client.Allocate(2_048);
        new Span<byte>(block, 2_048).Fill(0x21);
        Assert.True(client.TryResize(block, 64));
        AssertPoison(block + 64, 2_048 - 64);
        context.Validate();
    }

    /// <summary>Wherever in a freed block a byte is written, Validate sees it, and so does the request that gets the place; then it is
    /// mended, and said no more.</summary>
    [Theory]
    [InlineData(16, 0)]
    [InlineData(16, 15)]
    [InlineData(100, 127)]
    [InlineData(2_048, 1_000)]
    public void A_write_after_the_free_is_found(int size, int at)
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("forgetful");
        byte* block = (byte*)client.Allocate((nuint)size);
        client.Free(block);
        block[at] = 0x21;
        Assert.Contains("forgetful", Assert.Throws<InvariantViolationException>(context.Validate).Message, StringComparison.Ordinal);
        MemoryClientStatistics before = client.GetStatistics();
        InvariantViolationException found = AllocateUntilFound(client, (nuint)size);
        Assert.Contains("forgetful", found.Message, StringComparison.Ordinal);
        Assert.Contains($"{(nuint)(block + at):x}", found.Message, StringComparison.OrdinalIgnoreCase);
        context.Validate();
        Assert.Equal(before.InUse, client.GetStatistics().InUse);
        Assert.Equal(client.GetStatistics().Allocations, before.Allocations);
        AssertPoison(client.Allocate((nuint)size), (nuint)size);
        context.Validate();
    }

    /// <summary>Nothing of this keeps a block from growing as it should.</summary>
    [Fact]
    public void A_write_behind_a_block_is_found_when_it_grows()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("forgetful");
        byte* block = (byte*)client.Allocate(2_048);
        Assert.True(client.TryResize(block, 64));
        block[1_500] = 0x21;
        Assert.True(client.TryResize(block, 1_024), "The byte lies behind what it grows by.");
        Assert.Throws<InvariantViolationException>(() => client.TryResize(block, 2_048));
        Assert.Equal((nuint)1_024, client.GetSize(block));
        Assert.Equal((nuint)1_024, client.InUse);
        context.Validate();
        Assert.True(client.TryResize(block, 2_048));
        context.Validate();
    }

    /// <summary>Memory that no client holds is nobody's to watch: a client that gets it starts afresh.</summary>
    [Fact]
    public void Memory_that_comes_from_the_context_is_poisoned_anew()
    {
        using MemoryContext context = Create();
        MemoryClient gone = context.CreateClient("gone");
        void* block = gone.Allocate(BlockSize);
        gone.Dispose();
        new Span<byte>(block, BlockSize).Fill(0x21);
        using MemoryClient client = context.CreateClient("client");
        while (client.TryAllocate(2_048, out void* fresh))
        {
            AssertPoison(fresh, 2_048);
        }

        context.Validate();
    }

    /// <summary>Poison and guard together: the guard of a freed block is poison again.</summary>
    [Fact]
    public void Guards_and_poison_get_along()
    {
        using MemoryContext context = Create(MemoryContextFeatures.GuardBytes | MemoryContextFeatures.ZeroOnAllocate);
        using MemoryClient client = context.CreateClient("client");
        for (int size = 0; size < 3_000; size += 37)
        {
            byte* block = (byte*)client.Allocate((nuint)size);
            Assert.Equal(-1, new ReadOnlySpan<byte>(block, size).IndexOfAnyExcept((byte)0));
            block = (byte*)client.Reallocate(block, (nuint)(size / 2));
            context.Validate();
            client.Free(block);
            context.Validate();
        }
    }

    private static MemoryContext Create(MemoryContextFeatures more = MemoryContextFeatures.None) =>
        new(
            16 * BlockSize,
            new MemoryContextOptions { Alignment = 16, BlockSize = BlockSize, Features = MemoryContextFeatures.PoisonOnFree | more });

    /// <summary>The place is kept for the next request of its size, or one of the next.</summary>
    private static InvariantViolationException AllocateUntilFound(MemoryClient client, nuint size)
    {
        List<nint> taken = [];
        try
        {
            while (client.TryAllocate(size, out void* block))
            {
                taken.Add((nint)block);
            }
        }
        catch (InvariantViolationException found)
        {
            Assert.Empty(taken);
            return found;
        }

        Assert.Fail("All memory was handed out, and nothing was found.");
        return null!;
    }

    private static void AssertPoison(void* start, nuint length) =>
        Assert.Equal(-1, new ReadOnlySpan<byte>(start, (int)length).IndexOfAnyExcept((byte)0xDD));
}
