using Silk.NET.Vulkan;
using Vmem.Testing.Time;
using Vmem.Vulkan.Tests.Drivers;

namespace Vmem.Vulkan.Tests.Frames;

/// <summary>Several threads and the fences: who waits for a frame keeps nobody else waiting, and no fence is reset under a wait.</summary>
[Collection(SoftwareDeviceTests.Name)]
public sealed class WaitTests : IDisposable
{
    private readonly SoftwareDevice _software;
    private readonly SimulatedCard _card;

    public WaitTests(SoftwareDevice software)
    {
        _ = software.Device;                      // skips where there is none
        _software = software;
        _card = new SimulatedCard();
    }

    public void Dispose() => _card.Dispose();

    [Fact]
    public async Task Nobody_else_waits_while_one_waits_for_a_frame()
    {
        using GpuMemory memory = _card.NewMemory();
        using ManualResetEventSlim waits = new();
        using ManualResetEventSlim goesOn = new();
        Fence fence = memory.Frames.Begin();
        memory.Frames.End();                      // the device gets it later
        SimulatedCard.WaitsForFence = () =>
        {
            waits.Set();
            goesOn.Wait();
        };
        var first = Task.Run(memory.Frames.WaitIdle, TestContext.Current.CancellationToken);
        waits.Wait(TestContext.Current.CancellationToken);
        bool isDone = true;
        var others = Task.Run(
            () =>
            {
                memory.Frames.Collect();
                new StagingRing(memory, 4096).Dispose();
                isDone = memory.Frames.Wait(1, TimeSpan.FromMilliseconds(10));
            },
            TestContext.Current.CancellationToken);
        try
        {
            await Eventually.HoldsAsync(() => others.IsCompleted);
            await others;
            Assert.False(isDone);
            Assert.Equal(0UL, memory.Frames.Completed);
        }
        finally
        {
            _card.Device.Submit(_card.Device.Record(static _ => { }), fence);
            goesOn.Set();
            await first;
        }

        Assert.Equal(1UL, memory.Frames.Completed);
    }

    /// <summary>The next frame needs the fence that the first thread has not left yet.</summary>
    [Fact]
    public void A_fence_is_reset_when_nobody_waits_for_it()
    {
        using GpuMemory memory = _card.NewMemory(new() { FramesInFlight = 1 });
        using ManualResetEventSlim waits = new();
        using ManualResetEventSlim goesOn = new();
        _card.Device.Submit(_card.Device.Record(static _ => { }), memory.Frames.Begin());
        memory.Frames.End();
        SimulatedCard.WaitsForFence = () =>
        {
            waits.Set();
            goesOn.Wait();
        };
        bool isDone = false;
        var first = new Thread(() => isDone = memory.Frames.Wait(1, Timeout.InfiniteTimeSpan));
        first.Start();
        waits.Wait(TestContext.Current.CancellationToken);
        Fence fence = default;
        var second = new Thread(() => fence = memory.Frames.Begin());
        second.Start();
        OtherThread.Settle(second);
        goesOn.Set();
        first.Join();
        second.Join();
        Assert.Equal(0, SimulatedCard.ResetsWhileWaiting);
        Assert.True(isDone);
        Assert.Equal(Result.NotReady, _card.Device.Vk.GetFenceStatus(_card.Device.Device, fence));
    }

    /// <summary>The validation layer watches over who uses a fence while another resets or submits it.</summary>
    [Fact]
    public void Frames_go_on_while_others_wait_and_collect()
    {
        const int Frames = 300;
        using TestMemory test = _software.NewMemory(new() { FramesInFlight = 2 });
        GpuFrames frames = test.Memory.Frames;
        bool hasEnded = false;
        Thread[] others = [.. Enumerable.Range(0, 3).Select(number => new Thread(() =>
        {
            while (!Volatile.Read(ref hasEnded))
            {
                _ = frames.Wait(frames.Current - 1, number == 0 ? TimeSpan.Zero : Timeout.InfiniteTimeSpan);
                frames.Collect();
            }
        }))];
        Array.ForEach(others, other => other.Start());
        try
        {
            for (int i = 0; i < Frames; i++)
            {
                test.Memory.CreateBuffer(100, BufferUsageFlags.VertexBufferBit).Retire();
                test.Frame(static _ => { });
            }
        }
        finally
        {
            Volatile.Write(ref hasEnded, true);
            Array.ForEach(others, other => other.Join());
        }

        frames.WaitIdle();
        Assert.Equal((ulong)Frames, frames.Completed);
        Assert.Equal(0, test.Memory.GetStatistics()[0].AllocationCount);
        Assert.Equal(0UL, test.Memory.GetStatistics()[0].RestingBytes);
    }

    [Fact]
    public void No_time_is_below_zero_but_for_ever()
    {
        using GpuMemory memory = _card.NewMemory();
        _card.Device.Submit(_card.Device.Record(static _ => { }), memory.Frames.Begin());
        memory.Frames.End();
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Frames.Wait(1, TimeSpan.FromTicks(-1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Frames.Wait(1, TimeSpan.FromMilliseconds(-2)));
        Assert.True(memory.Frames.Wait(1, TimeSpan.MaxValue));
        Assert.True(memory.Frames.Wait(1, TimeSpan.Zero));
    }
}
