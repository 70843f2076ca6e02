using Vmem.Memory.Tests.Blocks;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>Bookkeeping lies outside the block: whatever is written to it, the allocator goes on.</summary>
public unsafe class ScribbleTests
{
    private const int BlockSize = 2_048;
    private const int Granules = 40;

    /// <summary>A client fills every byte that it was given, and every byte beside these.</summary>
    [Fact]
    public void A_client_that_fills_all_memory_breaks_nothing()
    {
        using ContextOnBlock block = Create(MemoryContextFeatures.None);
        using MemoryClient victim = block.Context.CreateClient("victim");
        using MemoryClient vandal = block.Context.CreateClient("vandal");
        nint[] victims = [.. Enumerable.Range(0, 50).Select(i => (nint)victim.Allocate((nuint)(i * 13)))];
        nint[] vandals = [.. Enumerable.Range(0, 50).Select(i => (nint)vandal.Allocate((nuint)(i * 17)))];
        string before = Picture(block.Context);
        foreach (byte value in new byte[] { 0x00, 0xFF, 0x5A })
        {
            new Span<byte>(block.Context.Start, (int)block.Context.Size).Fill(value);
            block.Context.Validate();
            Assert.Equal(before, Picture(block.Context));
        }

        Assert.All(victims, address => victim.Free((void*)address));
        Assert.All(vandals, address => Assert.True(vandal.GetSize((void*)address) > 0));
        vandal.Dispose();
        victim.Trim();
        Assert.Equal(block.Context.Size, block.Context.GetStatistics().LargestFree);
    }

    /// <summary>Two contexts do the same, and one's memory is filled with noise all the while: they must not differ in any
    /// answer.</summary>
    [Theory]
    [InlineData(MemoryContextFeatures.None)]
    [InlineData(MemoryContextFeatures.ZeroOnAllocate)]
    [InlineData(MemoryContextFeatures.ZeroOnFree)]
    [InlineData(MemoryContextFeatures.ZeroOnHandOver | MemoryContextFeatures.Synchronized)]
    public void A_scribbled_context_does_what_a_clean_one_does(MemoryContextFeatures features)
    {
        using ContextOnBlock clean = Create(features);
        using ContextOnBlock scribbled = Create(features);
        Assert.Equal(Answers(clean.Context, _ => { }), Answers(scribbled.Context, random => Scribble(scribbled.Context, random)));
    }

    /// <summary>Behind guarded blocks the damage is found, said and contained.</summary>
    [Fact]
    public void A_client_that_fills_its_blocks_and_beyond_is_found_out()
    {
        using ContextOnBlock block = Create(MemoryContextFeatures.GuardBytes | MemoryContextFeatures.ZeroOnHandOver);
        using MemoryClient honest = block.Context.CreateClient("honest");
        void* kept = honest.Allocate(100);
        new Span<byte>(kept, 100).Fill(0x11);
        MemoryClient vandal = block.Context.CreateClient("vandal");
        nint[] vandals = [.. Enumerable.Range(0, 30).Select(i => (nint)vandal.Allocate((nuint)(10 + (i * 40))))];
        foreach (nint address in vandals)
        {
            new Span<byte>((void*)address, (int)vandal.GetSize((void*)address) + 8).Fill(0x66);
        }

        string message = Assert.Throws<InvariantViolationException>(block.Context.Validate).Message;
        Assert.Contains("vandal", message, StringComparison.Ordinal);
        foreach (nint address in vandals)
        {
            InvalidFreeException refusal = Assert.Throws<InvalidFreeException>(() => vandal.Free((void*)address));
            Assert.Equal(InvalidFreeReason.Corrupted, refusal.Reason);
            Assert.Contains("vandal", refusal.Message, StringComparison.Ordinal);
            Assert.Contains(address.ToString("x"), refusal.Message, StringComparison.OrdinalIgnoreCase);
        }

        Assert.Equal(30, vandal.GetStatistics().LiveBlocks);
        Assert.Equal(-1, new ReadOnlySpan<byte>(kept, 100).IndexOfAnyExcept((byte)0x11));
        honest.Free(kept);
        vandal.Dispose();
        block.Context.Validate();
        honest.Trim();
        Assert.Equal(block.Context.Size, block.Context.GetStatistics().LargestFree);
    }

    private static ContextOnBlock Create(MemoryContextFeatures features) =>
        new(
            BlockOrigin.Callers,
            Granules * BlockSize,
            new MemoryContextOptions { Alignment = 16, BlockSize = BlockSize, Features = features });

    private static void Scribble(MemoryContext context, SeededRandom random)
    {
        int start = random.Below((int)context.Size - 1);
        int length = random.Below((int)context.Size - start);
        for (int at = 0; at < length; at += 8)
        {
            *(ulong*)((byte*)context.Start + start + at - (start % 8)) = random.Next();
        }
    }

    /// <summary>All that can be seen of a thousand steps, addresses counted from the context's start.</summary>
    private static List<string> Answers(MemoryContext context, Action<SeededRandom> disturb)
    {
        SeededRandom random = new(7);
        SeededRandom noise = new(8);
        List<MemoryClient> clients = [context.CreateClient("a"), context.CreateClient("b"), context.CreateClient("c")];
        List<(MemoryClient Client, nint Address)> blocks = [];
        List<string> answers = [];
        for (int step = 0; step < 1_000; step++)
        {
            disturb(noise);
            MemoryClient client = clients[random.Below(clients.Count)];
            int draw = random.Below(100);
            if (draw < 55 || blocks.Count == 0)
            {
                bool isMet = client.TryAllocate((nuint)random.Below(draw % 5 == 0 ? 3 * BlockSize : 300), out void* block);
                answers.Add(isMet ? $"{(nint)block - (nint)context.Start} {client.GetSize(block)}" : "refused");
                blocks.AddRange(isMet ? [(client, (nint)block)] : []);
            }
            else if (draw < 98)
            {
                int index = random.Below(blocks.Count);
                blocks[index].Client.Free((void*)blocks[index].Address);
                blocks.RemoveAt(index);
            }
            else
            {
                blocks.RemoveAll(block => block.Client == client);
                client.Dispose();
                clients[clients.IndexOf(client)] = context.CreateClient($"{client.Name}'");
            }

            context.Validate();
        }

        answers.Add(Picture(context));
        return answers;
    }

    private static string Picture(MemoryContext context)
    {
        using StringWriter writer = new();
        context.Dump(writer);
        return $"{writer}{context.GetStatistics()}{string.Join('\n', context.GetClients().Select(client => client.GetStatistics()))}";
    }
}
