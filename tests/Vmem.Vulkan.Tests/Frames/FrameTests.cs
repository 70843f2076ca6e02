using Silk.NET.Vulkan;
using Vmem.Vulkan.Tests.Drivers;

namespace Vmem.Vulkan.Tests.Frames;

/// <summary>Frames by fence: what is retired rests until the device has done the frame, and the staging ring goes round.</summary>
[Collection(SoftwareDeviceTests.Name)]
public class FrameTests(SoftwareDevice software)
{
    private const BufferUsageFlags Copied = BufferUsageFlags.TransferSrcBit | BufferUsageFlags.TransferDstBit;

    [Fact]
    public void What_is_retired_rests_until_its_frame_is_done()
    {
        using TestMemory test = software.NewMemory();
        GpuBuffer shared = test.Memory.CreateBuffer(1000, Copied);
        GpuBuffer alone = test.Memory.CreateBuffer(1000, Copied, new() { IsDedicated = true });
        ulong frame = test.Memory.Frames.Current;
        ulong block = alone.Allocation.Size;
        shared.Retire();
        alone.Retire();
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(shared.Retire).Reason);
        test.Memory.Frames.Collect();
        GpuTypeStatistics resting = test.Memory.GetStatistics()[0];
        Assert.Equal((1024 + block, 2), (resting.RestingBytes, resting.BlockCount));
        Assert.Equal(test.Memory.GetBudgets()[0].BlockBytes, resting.BlockBytes);
        test.Frame(_ => { });
        Assert.True(test.Memory.Frames.Wait(frame, Timeout.InfiniteTimeSpan));
        Assert.Equal(frame, test.Memory.Frames.Completed);
        Assert.Equal(0UL, test.Memory.GetStatistics()[0].RestingBytes);
        Assert.Equal(test.Memory.GetStatistics()[0].BlockBytes, test.Memory.GetBudgets()[0].BlockBytes);   // the dedicated block is gone
    }

    [Fact]
    public void A_frame_that_was_not_submitted_goes_on()
    {
        using TestMemory test = software.NewMemory(new() { FramesInFlight = 2 });
        GpuFrames frames = test.Memory.Frames;
        Assert.Throws<InvalidOperationException>(frames.End);
        Fence fence = frames.Begin();
        Assert.Equal(fence, frames.Begin());
        Assert.Throws<ArgumentOutOfRangeException>(() => frames.Wait(frames.Current, TimeSpan.Zero));
        for (int i = 0; i < 7; i++)
        {
            test.Frame(_ => { });
            Assert.Throws<InvalidOperationException>(frames.End);
            Assert.InRange(frames.Current - frames.Completed, 1UL, 3UL);
        }

        frames.WaitIdle();
        Assert.Equal((8UL, 7UL), (frames.Current, frames.Completed));
        test.End();
        Assert.Throws<ObjectDisposedException>(() => { _ = frames.Begin(); });
        Assert.Throws<ObjectDisposedException>(frames.Collect);
        Assert.Throws<ObjectDisposedException>(frames.End);
    }

    [Fact]
    public void The_ring_goes_round_and_each_frame_uploads_what_it_wrote()
    {
        using TestMemory test = software.NewMemory(new() { FramesInFlight = 3 });
        using var ring = new StagingRing(test.Memory, 16 * 1024);
        using GpuBuffer target = test.Memory.CreateBuffer(4096, Copied | BufferUsageFlags.StorageBufferBit);
        byte[] bytes = new byte[4096];
        for (int frame = 1; frame <= 40; frame++)
        {
            bytes.AsSpan().Fill((byte)frame);
            test.Frame(commands =>
            {
                Barrier(test, commands);
                Assert.True(ring.TryUpload(commands, bytes, target));
                bytes.AsSpan().Clear();           // the copy reads the ring, not this
            });
            if (frame % 8 == 0)
            {
                test.Memory.Frames.WaitIdle();
                Assert.All(test.ReadBack(target), value => Assert.Equal(frame, value));
            }
        }

        Assert.Equal(40, ring.GetStatistics().Allocations);
    }

    [Fact]
    public void The_ring_refuses_what_the_frames_under_way_still_use()
    {
        using TestMemory test = software.NewMemory();
        using var ring = new StagingRing(test.Memory, 4096);
        Assert.Equal(4096UL, ring.Size);
        Assert.True(ring.TryTake(3000, out StagingSlice slice, align: 256));
        Assert.Equal((0UL, 3000), (slice.Offset % 256, slice.Contents.Length));
        Assert.False(ring.TryTake(2000, out _));
        using GpuBuffer target = test.Memory.CreateBuffer(2000, Copied);
        test.Device.Run(commands => Assert.False(ring.TryUpload(commands, new byte[2000], target)));
        test.Frame(_ => { });
        test.Memory.Frames.WaitIdle();
        Assert.True(ring.TryTake(4000, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => ring.TryTake(0, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => test.Device.Run(commands => ring.TryUpload(commands, new byte[2001], target)));
        Assert.Throws<ArgumentException>(() => new StagingRing(test.Memory, 100));
    }

    private static unsafe void Barrier(TestMemory test, CommandBuffer commands)
    {
        var barrier = new MemoryBarrier
        {
            SType = StructureType.MemoryBarrier,
            SrcAccessMask = AccessFlags.TransferWriteBit,
            DstAccessMask = AccessFlags.TransferWriteBit,
        };
        test.Device.Vk.CmdPipelineBarrier(
            commands, PipelineStageFlags.TransferBit, PipelineStageFlags.TransferBit, 0, 1, &barrier, 0, null, 0, null);
    }
}
