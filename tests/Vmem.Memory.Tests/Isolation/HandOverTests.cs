using Vmem.Memory.Tests.Blocks;
using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>No client ever sees a byte that another wrote, nor what was in the block before.</summary>
public unsafe class HandOverTests
{
    private const int BlockSize = 4_096;
    private const int Granules = 16;

    /// <summary>Every way in which memory comes to a client, and every set of features that isolates.</summary>
    public static TheoryData<BlockOrigin, MemoryContextFeatures> Cases
    {
        get
        {
            TheoryData<BlockOrigin, MemoryContextFeatures> cases = [];
            foreach (MemoryContextFeatures features in FeatureCombinations.Accepted.Where(set =>
                set.HasFlag(MemoryContextFeatures.ZeroOnHandOver)))
            {
                cases.Add(BlockOrigin.Callers, features);
                cases.Add(BlockOrigin.Own, features);
                cases.Add(BlockOrigin.Mapped, features);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_new_client_sees_nothing_of_those_before(BlockOrigin origin, MemoryContextFeatures features)
    {
        using ContextOnBlock block = Create(origin, features);
        foreach (nuint size in new nuint[] { 16, 100, 2_000, BlockSize, (3 * BlockSize) - 100, 16 })
        {
            using MemoryClient client = block.Context.CreateClient("reader");
            nuint read = 0;
            while (client.TryAllocate(size, out void* taken))
            {
                AssertClean(taken, client.GetSize(taken), features);
                new Span<byte>(taken, (int)client.GetSize(taken)).Fill(0x5E);
                read += size;
            }

            Assert.True(read >= block.Context.Size / 3, "The client was meant to see most of the memory.");
        }
    }

    /// <summary>Regions also change hands while both clients live: when they empty, and when they are taken back.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void A_living_client_leaves_nothing_in_what_it_gives_back(BlockOrigin origin, MemoryContextFeatures features)
    {
        using ContextOnBlock block = Create(origin, features);
        MemoryClient[] clients = [.. Enumerable.Range(0, 3).Select(i => block.Context.CreateClient($"client-{i}"))];
        for (int round = 0; round < 12; round++)
        {
            MemoryClient client = clients[round % 3];
            nuint size = (nuint)(round % 4 == 3 ? 2 * BlockSize : 24 << (round % 5));
            List<nint> taken = [];
            while (client.TryAllocate(size, out void* fresh))
            {
                nuint usable = client.GetSize(fresh);
                AssertClean(fresh, usable, features, own: (byte)(0x50 + (round % 3)));
                new Span<byte>(fresh, (int)usable).Fill((byte)(0x50 + (round % 3)));
                taken.Add((nint)fresh);
            }

            Assert.NotEmpty(taken);
            taken.ForEach(address => client.Free((void*)address));
        }
    }

    /// <summary>What a client writes beside its blocks is its own doing, and nobody else's to read.</summary>
    [Fact]
    public void What_a_client_wrote_beside_its_blocks_is_not_seen_either()
    {
        using ContextOnBlock block = Create(BlockOrigin.Own, MemoryContextFeatures.ZeroOnHandOver);
        using MemoryClient scribbler = block.Context.CreateClient("scribbler");
        byte* taken = (byte*)scribbler.Allocate(16);
        byte* region = taken - ((nuint)taken % BlockSize);
        new Span<byte>(region, BlockSize).Fill(0x5E);
        scribbler.Free(taken);
        scribbler.Trim();
        using MemoryClient reader = block.Context.CreateClient("reader");
        while (reader.TryAllocate(BlockSize, out void* fresh))
        {
            AssertClean(fresh, BlockSize, MemoryContextFeatures.ZeroOnHandOver);
        }
    }

    /// <summary>A large block may grow into memory that was another's.</summary>
    [Theory]
    [InlineData(MemoryContextFeatures.ZeroOnHandOver)]
    [InlineData(MemoryContextFeatures.ZeroOnHandOver | MemoryContextFeatures.GuardBytes)]
    [InlineData(MemoryContextFeatures.ZeroOnHandOver | MemoryContextFeatures.ZeroOnAllocate)]
    [InlineData(MemoryContextFeatures.ZeroOnHandOver | MemoryContextFeatures.PoisonOnFree)]
    public void A_block_that_grows_sees_nothing_of_others(MemoryContextFeatures features)
    {
        using ContextOnBlock block = Create(BlockOrigin.Callers, features);
        using MemoryClient grower = block.Context.CreateClient("grower");
        byte* grown = (byte*)grower.Allocate(BlockSize - 8);
        nuint had = grower.GetSize(grown);
        new Span<byte>(grown, (int)had).Fill(0x51);
        using (MemoryClient writer = block.Context.CreateClient("writer"))
        {
            while (writer.TryAllocate(100, out void* taken))
            {
                new Span<byte>(taken, (int)writer.GetSize(taken)).Fill(0x5E);
            }
        }

        Assert.True(grower.TryResize(grown, (Granules * BlockSize) - 8));
        AssertClean(grown, grower.GetSize(grown), features, own: 0x51);
        Assert.Equal(had, (nuint)new ReadOnlySpan<byte>(grown, (int)grower.GetSize(grown)).IndexOfAnyExcept((byte)0x51));
    }

    /// <summary>What no other client has written to is not zeroed again: neither fresh memory nor the client's own.</summary>
    [Fact]
    public void Only_what_changes_hands_is_zeroed()
    {
        using MemoryContext context = new(Granules * BlockSize, new MemoryContextOptions { BlockSize = BlockSize });
        MemoryClient first = context.CreateClient("first");
        for (int round = 0; round < 5; round++)
        {
            void* block = first.Allocate(4 * BlockSize);
            first.Free(block);
            first.Free(first.Allocate(16));
            first.Trim();
        }

        Assert.Equal(0ul, context.GetStatistics().BytesZeroedOnHandOver);
        first.Dispose();
        MemoryClient second = context.CreateClient("second");
        second.Allocate(Granules * BlockSize);
        Assert.InRange(context.GetStatistics().BytesZeroedOnHandOver, 4ul * BlockSize, 5ul * BlockSize);
    }

    [Fact]
    public void A_callers_block_is_zeroed_once()
    {
        using ContextOnBlock block = Create(BlockOrigin.Callers, MemoryContextFeatures.ZeroOnHandOver);
        MemoryClient client = block.Context.CreateClient("client");
        client.Free(client.Allocate(Granules * BlockSize));
        client.Free(client.Allocate(Granules * BlockSize));
        Assert.Equal((ulong)(Granules * BlockSize), block.Context.GetStatistics().BytesZeroedOnHandOver);
    }

    /// <summary>These tests can see: without the feature the bytes of others are there.</summary>
    [Fact]
    public void Without_the_feature_a_client_does_see_others()
    {
        using ContextOnBlock block = Create(BlockOrigin.Callers, MemoryContextFeatures.None);
        MemoryClient reader = block.Context.CreateClient("reader");
        Assert.Equal(CallersBlock.Secret, *(byte*)reader.Allocate(16));
        MemoryClient writer = block.Context.CreateClient("writer");
        void* taken = writer.Allocate(BlockSize);
        new Span<byte>(taken, BlockSize).Fill(0x5E);
        writer.Dispose();
        bool isSeen = false;
        while (reader.TryAllocate(BlockSize, out void* fresh))
        {
            isSeen |= new ReadOnlySpan<byte>(fresh, BlockSize).Contains((byte)0x5E);
        }

        Assert.True(isSeen);
        Assert.Equal(0ul, block.Context.GetStatistics().BytesZeroedOnHandOver);
    }

    private static ContextOnBlock Create(BlockOrigin origin, MemoryContextFeatures features) =>
        new(origin, Granules * BlockSize, new MemoryContextOptions { BlockSize = BlockSize, Features = features });

    /// <summary>Zeros, the client's own bytes, and what the context itself writes to free memory and behind blocks.</summary>
    private static void AssertClean(void* start, nuint length, MemoryContextFeatures features, byte own = 0)
    {
        ReadOnlySpan<byte> seen = new(start, (int)length);
        byte filling = features.HasFlag(MemoryContextFeatures.PoisonOnFree) ? (byte)0xDD : (byte)0;
        byte guard = features.HasFlag(MemoryContextFeatures.GuardBytes) ? (byte)0xFB : (byte)0;
        ReadOnlySpan<byte> harmless = features.HasFlag(MemoryContextFeatures.ZeroOnAllocate) ? [0, own] : [0, own, filling, guard];
        int at = seen.IndexOfAnyExcept(harmless);
        Assert.True(at < 0, at < 0 ? "" : $"Byte {at} of {length} is {seen[at]:X2}.");
    }
}
