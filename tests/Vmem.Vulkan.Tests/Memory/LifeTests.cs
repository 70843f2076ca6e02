using System.Security.Cryptography;
using Silk.NET.Vulkan;
using Vmem.Testing.Generation;
using Vmem.Vulkan.Tests.Drivers;

namespace Vmem.Vulkan.Tests.Memory;

/// <summary>Buffers and images from their creation to their end, on a device that really copies.</summary>
[Collection(SoftwareDeviceTests.Name)]
public class LifeTests(SoftwareDevice software)
{
    private const ulong MiB = 1024 * 1024;
    private const BufferUsageFlags Copied = BufferUsageFlags.TransferSrcBit | BufferUsageFlags.TransferDstBit;

    [Fact]
    public void Buffers_keep_their_contents_while_others_come_and_go()
    {
        using TestMemory test = software.NewMemory(new() { BlockSize = MiB });
        var random = new SeededRandom(19);
        Dictionary<GpuBuffer, byte[]> live = [];
        for (int step = 0; step < 120; step++)
        {
            if (live.Count > 0 && random.Below(3) == 0)
            {
                GpuBuffer victim = live.Keys.ElementAt(random.Below(live.Count));
                Assert.Equal(live[victim], test.ReadBack(victim));
                live.Remove(victim);
                victim.Dispose();
            }
            else
            {
                GpuBuffer buffer = test.Memory.CreateBuffer((ulong)(1 + random.Below(30_000)), Copied | BufferUsageFlags.StorageBufferBit);
                live.Add(buffer, RandomNumberGenerator.GetBytes((int)buffer.Size));
                test.Fill(buffer, live[buffer]);
            }
        }

        Assert.All(live, item => Assert.Equal(item.Value, test.ReadBack(item.Key)));
        Assert.Equal(live.Count, test.Memory.GetStatistics()[0].AllocationCount);
        test.Memory.Validate();
        foreach (GpuBuffer buffer in live.Keys)
        {
            buffer.Dispose();
            buffer.Dispose();                     // idempotent
        }
    }

    /// <summary>Buffers and images never share a page of bufferImageGranularity.</summary>
    [Fact]
    public void Kinds_have_pages_of_their_own()
    {
        const ulong Page = 4096;
        using TestMemory test = software.NewMemory(new() { BlockSize = MiB, MinBufferImageGranularity = Page });
        var random = new SeededRandom(7);
        List<GpuAllocation> live = [];
        for (int step = 0; step < 400; step++)
        {
            if (live.Count > 40 && random.Below(2) == 0)
            {
                GpuAllocation victim = live[random.Below(live.Count)];
                live.Remove(victim);
                test.Memory.Free(victim);
            }
            else if (random.Below(4) == 0)
            {
                live.Add(test.Memory.CreateImage(ColourImage(8 + (uint)random.Below(40)), new() { Name = "image" }).Allocation);
            }
            else
            {
                live.Add(test.Memory.CreateBuffer((ulong)(1 + random.Below(3000)), BufferUsageFlags.VertexBufferBit).Allocation);
            }
        }

        KindPages.Check(live, Page);
        Assert.Equal(2, live.Select(allocation => allocation.Kind).Distinct().Count());
        live.ForEach(test.Memory.Free);
    }

    [Fact]
    public void A_wrong_free_is_told_and_changes_nothing()
    {
        using TestMemory test = software.NewMemory();
        using TestMemory other = software.NewMemory(new() { Name = "other" });
        GpuBuffer buffer = test.Memory.CreateBuffer(100, BufferUsageFlags.VertexBufferBit, new() { Name = "mesh" });
        InvalidFreeException foreign = Assert.Throws<InvalidFreeException>(() => other.Memory.Free(buffer.Allocation));
        Assert.Equal(InvalidFreeReason.OtherOwner, foreign.Reason);
        Assert.Contains("mesh (", foreign.Message, StringComparison.Ordinal);
        test.Memory.Free(buffer.Allocation);
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => test.Memory.Free(buffer.Allocation)).Reason);
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(buffer.Retire).Reason);
        Assert.Throws<ObjectDisposedException>(() => buffer.Contents.Length);
        Assert.Throws<ObjectDisposedException>(() => buffer.Allocation.Memory);
        Assert.Equal(0, test.Memory.GetStatistics()[0].AllocationCount);
    }

    [Fact]
    public void What_was_never_freed_is_told_and_given_back()
    {
        using TestMemory test = software.NewMemory(new() { Name = "level", BlockSize = MiB });
        test.Memory.CreateBuffer(1000, BufferUsageFlags.VertexBufferBit, new() { Name = "mesh" });
        GpuImage image = test.Memory.CreateImage(ColourImage(32), new() { IsDedicated = true });
        test.Memory.CreateBuffer(1000, BufferUsageFlags.VertexBufferBit).Dispose();
        test.Memory.CreateBuffer(1000, BufferUsageFlags.VertexBufferBit).Retire();
        test.End();
        Assert.NotNull(test.Leak);
        Assert.Equal(("level", 2L), (test.Leak.MemoryName, test.Leak.Allocations));
        Assert.Equal(["mesh", null], test.Leak.First.Select(leaked => leaked.Name));
        Assert.Equal(GpuResourceKind.Optimal, test.Leak.First[1].Kind);
        Assert.Equal(0, test.Count.Held);
        image.Dispose();                          // what was freed with the memory is free
        Assert.Throws<ObjectDisposedException>(() => test.Memory.CreateBuffer(1000, BufferUsageFlags.VertexBufferBit));
        Assert.Equal(0, test.Count.Held);
    }

    [Fact]
    public void After_the_end_the_driver_is_asked_for_nothing()
    {
        using TestMemory test = software.NewMemory();
        test.End();
        long asked = test.Count.Asked;
        var alone = new GpuUse { IsDedicated = true };
        var requirements = new MemoryRequirements { Size = 1000, Alignment = 64, MemoryTypeBits = uint.MaxValue };
        Assert.Throws<ObjectDisposedException>(() => test.Memory.CreateBuffer(1000, BufferUsageFlags.VertexBufferBit));
        Assert.Throws<ObjectDisposedException>(() => test.Memory.CreateImage(ColourImage(32)));
        Assert.Throws<ObjectDisposedException>(() => test.Memory.Allocate(requirements, GpuResourceKind.Linear, alone));
        Assert.Throws<ObjectDisposedException>(() => test.Memory.TryAllocate(requirements, GpuResourceKind.Linear, out _, alone));
        Assert.Throws<ObjectDisposedException>(() => test.Memory.TryAllocate(requirements, GpuResourceKind.Linear, out _));
        Assert.Throws<ObjectDisposedException>(() => new StagingRing(test.Memory, 4096));
        Assert.Equal(asked, test.Count.Asked);
    }

    [Fact]
    public void Nothing_leaks_where_nothing_is_left()
    {
        using TestMemory test = software.NewMemory();
        test.Memory.CreateBuffer(1000, BufferUsageFlags.VertexBufferBit).Dispose();
        test.End();
        test.Memory.Dispose();                    // idempotent
        Assert.Null(test.Leak);
    }

    [Fact]
    public void The_host_sees_what_it_asked_for()
    {
        using TestMemory test = software.NewMemory();
        using GpuBuffer buffer = test.Memory.CreateBuffer(1000, BufferUsageFlags.TransferSrcBit, new() { HostAccess = HostAccess.Write });
        Assert.True(buffer.Allocation.IsMapped);
        buffer.Contents.Fill(7);
        buffer.Allocation.GetSpan(500, 500).Fill(8);
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Allocation.GetSpan(500, 501).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Allocation.Flush(1001));
        Assert.Equal([.. Enumerable.Repeat((byte)7, 500), .. Enumerable.Repeat((byte)8, 500)], buffer.Contents.ToArray());
    }

    private static ImageCreateInfo ColourImage(uint side) => new()
    {
        SType = StructureType.ImageCreateInfo,
        ImageType = ImageType.Type2D,
        Format = Format.R8G8B8A8Unorm,
        Extent = new Extent3D(side, side, 1),
        MipLevels = 1,
        ArrayLayers = 1,
        Samples = SampleCountFlags.Count1Bit,
        Tiling = ImageTiling.Optimal,
        Usage = ImageUsageFlags.SampledBit | ImageUsageFlags.TransferDstBit,
    };
}
