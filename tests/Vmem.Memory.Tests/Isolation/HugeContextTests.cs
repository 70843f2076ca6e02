using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>Beyond 32 bits: offsets, sizes and lengths of more than 4 GiB. The memory is reserved, and hardly touched.</summary>
public unsafe class HugeContextTests
{
    private static readonly nuint s_gib = 1 << 30;

    [Theory]
    [InlineData(MemoryContextFeatures.ZeroOnHandOver)]
    [InlineData(MemoryContextFeatures.GuardBytes)]
    public void Blocks_beyond_4_GiB_are_like_any_others(MemoryContextFeatures features)
    {
        using MemoryContext context = CreateOrSkip(features);
        using MemoryClient client = context.CreateClient("client");
        using MemoryClient other = context.CreateClient("other");
        nuint size = (4 * s_gib) + (s_gib / 2) + 12_345;
        byte* huge = (byte*)client.Allocate(size);
        Assert.InRange(client.GetSize(huge), size, size + context.BlockSize);
        huge[0] = 1;
        huge[size - 1] = 2;
        byte* far = (byte*)client.Allocate(100);
        byte* large = (byte*)client.Allocate(3 * context.BlockSize);
        Assert.True((nuint)(far - (byte*)context.Start) > 4 * s_gib || far < huge, "The block lies where the huge one is.");
        Assert.True(client.Owns(huge + (size - 1)) && client.Owns(far) && client.Owns(large));
        Assert.Equal(InvalidFreeReason.InteriorAddress, Assert.Throws<InvalidFreeException>(() => client.Free(huge + (4 * s_gib))).Reason);
        Assert.Equal(InvalidFreeReason.OtherOwner, Assert.Throws<InvalidFreeException>(() => other.Free(huge + (4 * s_gib))).Reason);
        Assert.Equal(InvalidFreeReason.OtherOwner, Assert.Throws<InvalidFreeException>(() => other.Free(far)).Reason);
        Assert.False(other.TryAllocate(2 * s_gib, out _));
        context.Validate();

        Assert.True(client.TryResize(huge, size - s_gib));
        Assert.True(client.TryResize(huge, size));
        Assert.Equal(2, huge[size - 1]);
        Assert.True(client.TryResize(huge, 1_000));
        Assert.Equal(1, huge[0]);
        client.Free(huge);
        client.Free(far);
        client.Free(large);
        client.Trim();
        context.Validate();
        Assert.Equal(context.Size, context.GetStatistics().LargestFree);
    }

    [Fact]
    public void Figures_beyond_4_GiB_are_exact()
    {
        using MemoryContext context = CreateOrSkip(MemoryContextFeatures.ZeroOnHandOver);
        MemoryClient client = context.CreateClient("client", quota: 5 * s_gib);
        client.Allocate(5 * s_gib);
        ClientExhaustedException refusal = Assert.Throws<ClientExhaustedException>(() => client.Allocate(1));
        Assert.True(refusal.QuotaExceeded);
        Assert.Equal(5 * s_gib, refusal.InUse);
        Assert.Equal(5 * s_gib, client.GetStatistics().PeakInUse);
        Assert.Equal(5 * s_gib, context.GetStatistics().InUse);
        client.Dispose();
        Assert.Equal(6 * s_gib, context.GetStatistics().LargestFree);
    }

    private static MemoryContext CreateOrSkip(MemoryContextFeatures features)
    {
        Assert.SkipUnless(Environment.Is64BitProcess, "needs a 64-bit process: it uses addresses above 4 GiB");
        try
        {
            return new MemoryContext(6 * s_gib, new MemoryContextOptions { Features = features });
        }
        catch (OutOfMemoryException)
        {
            Assert.Skip("needs 6 GiB of address space, which this system refuses (see ulimit -v)");
            throw;
        }
    }
}
