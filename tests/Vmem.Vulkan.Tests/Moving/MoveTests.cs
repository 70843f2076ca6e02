using Silk.NET.Vulkan;
using Vmem.Samples;
using Vmem.Vulkan.Memory;
using Vmem.Vulkan.Tests.Drivers;

namespace Vmem.Vulkan.Tests.Moving;

/// <summary>Defragmenting in steps: the device copies, contents stay, and what was taken for a step that is given up goes back.</summary>
[Collection(SoftwareDeviceTests.Name)]
public class MoveTests(SoftwareDevice software)
{
    private const ulong KiB = 1024;
    private const BufferUsageFlags Copied = BufferUsageFlags.TransferSrcBit | BufferUsageFlags.TransferDstBit;

    [Fact]
    public void Steps_within_a_budget_empty_blocks_and_keep_contents()
    {
        using TestMemory test = software.NewMemory(new() { BlockSize = 256 * KiB });
        Dictionary<GpuBuffer, byte> live = Fragmented(test);
        long before = test.Memory.GetStatistics()[0].BlockCount;
        int steps = 0;
        bool isMoving = true;
        while (isMoving)
        {
            GpuMoves? moves = null;
            test.Frame(commands => moves = GpuMoves.Begin(test.Memory, commands, maxSize: 64 * KiB, maxMoves: 10));
            Assert.InRange(moves!.Size, 0UL, 64 * KiB);
            Assert.InRange(moves.Buffers.Count, 0, 10);
            isMoving = moves.Buffers.Count > 0;
            Silk.NET.Vulkan.Buffer[] old = [.. moves.Buffers.Select(buffer => buffer.Handle)];
            moves.Commit();
            Assert.All(moves.Buffers.Zip(old), pair => Assert.NotEqual(pair.Second, pair.First.Handle));
            Assert.Throws<InvalidOperationException>(moves.Commit);
            steps++;
            Assert.InRange(steps, 1, 100);
        }

        test.Frame(_ => { });
        test.Memory.Frames.WaitIdle();
        Assert.InRange(steps, 3, 100);
        Assert.InRange(test.Memory.Reap(), 256 * KiB, ulong.MaxValue);
        Assert.InRange(test.Memory.GetStatistics()[0].BlockCount, 1, before - 1);
        Assert.All(live, item => Assert.All(test.ReadBack(item.Key), value => Assert.Equal(item.Value, value)));
        test.Memory.Validate();
        live.Keys.ToList().ForEach(buffer => buffer.Dispose());
    }

    [Fact]
    public void A_step_that_is_given_up_changes_nothing()
    {
        using TestMemory test = software.NewMemory(new() { BlockSize = 256 * KiB });
        Dictionary<GpuBuffer, byte> live = Fragmented(test);
        Dictionary<GpuBuffer, ulong> handles = live.Keys.ToDictionary(buffer => buffer, buffer => buffer.Handle.Handle);
        ulong inUse = test.Memory.GetStatistics()[0].AllocationBytes;
        test.Frame(commands =>
        {
            using GpuMoves moves = GpuMoves.Begin(test.Memory, commands, ulong.MaxValue);
            Assert.NotEmpty(moves.Buffers);
            Assert.Throws<InvalidOperationException>(() => GpuMoves.Begin(test.Memory, commands, ulong.MaxValue));
        });
        test.Memory.Frames.WaitIdle();
        Assert.Equal(inUse, test.Memory.GetStatistics()[0].AllocationBytes);
        Assert.Equal(0UL, test.Memory.GetStatistics()[0].RestingBytes);
        Assert.All(handles, item => Assert.Equal(item.Value, item.Key.Handle.Handle));
        Assert.All(live, item => Assert.All(test.ReadBack(item.Key), value => Assert.Equal(item.Value, value)));
        live.Keys.ToList().ForEach(buffer => buffer.Dispose());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_is_freed_while_it_moves_goes_with_both_places(bool isCommitted)
    {
        using TestMemory test = software.NewMemory(new() { BlockSize = 256 * KiB });
        Dictionary<GpuBuffer, byte> live = Fragmented(test);
        GpuMoves? moves = null;
        test.Frame(commands => moves = GpuMoves.Begin(test.Memory, commands, ulong.MaxValue));
        IReadOnlyList<GpuBuffer> moved = moves!.Buffers;
        moved[0].Dispose();
        moved[1].Retire();
        Assert.Throws<InvalidFreeException>(moved[1].Retire);
        Assert.Throws<ObjectDisposedException>(() => moved[0].Allocation.Memory);
        if (isCommitted)
        {
            moves.Commit();
        }

        moves.Dispose();
        moves.Dispose();
        test.Frame(_ => { });
        test.Memory.Frames.WaitIdle();
        live.Remove(moved[0]);
        live.Remove(moved[1]);
        Assert.Equal(live.Count, test.Memory.GetStatistics()[0].AllocationCount);
        Assert.All(live, item => Assert.All(test.ReadBack(item.Key), value => Assert.Equal(item.Value, value)));
        live.Keys.ToList().ForEach(buffer => buffer.Dispose());
        Assert.Null(test.Leak);
    }

    /// <summary>The driver has no memory for the second handle of the first buffer, while another thread retires all of them.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_is_freed_as_its_move_fails_to_begin_rests_for_the_frame(bool isRetired)
    {
        _ = software.Device;                      // skips where there is none
        using var vk = Vk.GetApi();
        using HeadlessDevice device = new HeadlessDevice(vk, onSoftware: true).Open();     // without the layer, which expects memory
        using var count = new DriverCount();
        GpuMemoryOptions options = new() { BlockSize = 256 * KiB, AllocationCallbacks = count.Address };
        using (var memory = new GpuMemory(vk, device.PhysicalDevice, device.Device, options))
        {
            GpuBuffer[] all = [.. Enumerable.Range(0, 40).Select(_ => memory.CreateBuffer(16 * KiB, Copied))];
            GpuBuffer[] live = [.. all.Where((_, i) => i % 2 == 1)];
            Array.ForEach(all.Except(live).ToArray(), buffer => buffer.Dispose());
            Fence fence = memory.Frames.Begin();
            long held = 0;
            DriverCount.Failing = () =>
            {
                foreach (GpuBuffer buffer in live)
                {
                    if (isRetired)
                    {
                        buffer.Retire();
                    }
                    else if (buffer.Allocation.State == AllocationState.Moving)
                    {
                        buffer.Dispose();
                    }
                }

                held = count.Held;
            };
            count.FailAt = count.Asked + 1;
            Assert.Throws<VulkanException>(() => GpuMoves.Begin(memory, default, ulong.MaxValue));
            int freed = isRetired ? live.Length : 1;
            Assert.Equal((held, (ulong)freed * 16 * KiB), (count.Held, memory.GetStatistics()[0].RestingBytes));
            device.Submit(device.Record(static _ => { }), fence);
            memory.Frames.End();
            memory.Frames.WaitIdle();
            Assert.InRange(count.Held, 1, held - freed);
            Assert.Equal(0UL, memory.GetStatistics()[0].RestingBytes);
            Assert.Equal(live.Length - freed, memory.GetStatistics()[0].AllocationCount);
        }

        Assert.Equal(0, count.Held);
    }

    [Fact]
    public void The_end_of_the_memory_gives_an_open_step_up()
    {
        using TestMemory test = software.NewMemory(new() { BlockSize = 256 * KiB });
        int count = Fragmented(test).Count;
        test.Frame(commands => Assert.NotEmpty(GpuMoves.Begin(test.Memory, commands, ulong.MaxValue).Buffers));
        test.Memory.Frames.WaitIdle();
        test.End();
        Assert.Equal(count, test.Leak?.Allocations);
        Assert.Equal(0, test.Count.Held);
    }

    /// <summary>The free places beside images are large enough for buffers, and lower than most of them.</summary>
    [Fact]
    public void Moved_buffers_keep_out_of_the_pages_of_images()
    {
        const ulong Page = 16 * KiB;
        using TestMemory test = software.NewMemory(new() { BlockSize = 256 * KiB, MinBufferImageGranularity = Page });
        List<GpuImage> images = [];
        List<GpuBuffer> buffers = [];
        for (int i = 0; i < 90; i++)
        {
            images.Add(test.Memory.CreateImage(SmallImage));
            buffers.Add(test.Memory.CreateBuffer(2 * KiB, Copied));
        }

        Dictionary<GpuBuffer, byte> live = [];
        for (int i = 0; i < buffers.Count; i++)
        {
            if (i % 3 == 0)
            {
                live.Add(buffers[i], (byte)(i + 1));
                test.Fill(buffers[i], [.. Enumerable.Repeat((byte)(i + 1), (int)(2 * KiB))]);
            }
            else
            {
                buffers[i].Dispose();
                images[i].Dispose();
            }
        }

        images.RemoveAll(image => image.Allocation.State == AllocationState.Freed);
        int moved = 0;
        bool isMoving = true;
        while (isMoving)
        {
            GpuMoves? moves = null;
            test.Frame(commands => moves = GpuMoves.Begin(test.Memory, commands, ulong.MaxValue));
            isMoving = moves!.Buffers.Count > 0;
            moved += moves.Buffers.Count;
            Assert.InRange(moved, 1, 1000);
            moves.Commit();
            KindPages.Check([.. images.Select(image => image.Allocation), .. live.Keys.Select(buffer => buffer.Allocation)], Page);
            test.Memory.Frames.WaitIdle();
        }

        Assert.All(live, item => Assert.All(test.ReadBack(item.Key), value => Assert.Equal(item.Value, value)));
        live.Keys.ToList().ForEach(buffer => buffer.Dispose());
        images.ForEach(image => image.Dispose());
    }

    private static ImageCreateInfo SmallImage => new()
    {
        SType = StructureType.ImageCreateInfo,
        ImageType = ImageType.Type2D,
        Format = Format.R8G8B8A8Unorm,
        Extent = new Extent3D(16, 16, 1),
        MipLevels = 1,
        ArrayLayers = 1,
        Samples = SampleCountFlags.Count1Bit,
        Tiling = ImageTiling.Optimal,
        Usage = ImageUsageFlags.SampledBit,
    };

    // Every third buffer of some blocks is left.
    private static Dictionary<GpuBuffer, byte> Fragmented(TestMemory test)
    {
        List<GpuBuffer> all =
            [.. Enumerable.Range(0, 90).Select(i => test.Memory.CreateBuffer(8 * KiB, Copied, new() { Name = $"buffer {i}" }))];
        Dictionary<GpuBuffer, byte> live = [];
        for (int i = 0; i < all.Count; i++)
        {
            if (i % 3 == 0)
            {
                live.Add(all[i], (byte)(i + 1));
                byte[] bytes = new byte[8 * KiB];
                bytes.AsSpan().Fill((byte)(i + 1));
                test.Fill(all[i], bytes);
            }
        }

        all.Where(buffer => !live.ContainsKey(buffer)).ToList().ForEach(buffer => buffer.Dispose());
        return live;
    }
}
