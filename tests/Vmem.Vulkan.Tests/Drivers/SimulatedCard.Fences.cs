using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Silk.NET.Vulkan;

namespace Vmem.Vulkan.Tests.Drivers;

// Its fences: they fail when they are told to, and notice what Vulkan calls external synchronisation.
internal sealed unsafe partial class SimulatedCard
{
    private static readonly ConcurrentDictionary<ulong, int> s_waiting = new();

    private static Action? s_waitsForFence;

    private static int s_resetsWhileWaiting;

    public static Result FenceResult { get; set; }

    /// <summary>Called, once, in a wait for a fence, before the driver hears of it.</summary>
    public static Action? WaitsForFence
    {
        set => s_waitsForFence = value;
    }

    /// <summary>How often a fence was reset while somebody waited for it, which Vulkan forbids.</summary>
    public static int ResetsWhileWaiting => Volatile.Read(ref s_resetsWhileWaiting);

    private static void ForgetFences()
    {
        FenceResult = Result.Success;
        s_waiting.Clear();
        s_waitsForFence = null;
        s_resetsWhileWaiting = 0;
    }

    [UnmanagedCallersOnly]
    private static Result FenceStatus(Device device, Fence fence) => FenceResult != Result.Success
        ? FenceResult
        : ((delegate* unmanaged<Device, Fence, Result>)s_real[6])(device, fence);

    [UnmanagedCallersOnly]
    private static Result WaitForFences(Device device, uint count, Fence* fences, uint all, ulong timeout)
    {
        var real = (delegate* unmanaged<Device, uint, Fence*, uint, ulong, Result>)s_real[7];
        ulong fence = fences->Handle;
        int resets = ResetsWhileWaiting;
        _ = s_waiting.AddOrUpdate(fence, 1, static (_, waiting) => waiting + 1);
        Interlocked.Exchange(ref s_waitsForFence, null)?.Invoke();
        // Nobody may ever signal a fence that was reset meanwhile: who waited for it would hang, and the test with him.
        bool isLost = ResetsWhileWaiting != resets;
        Result result = FenceResult != Result.Success || isLost ? FenceResult : real(device, count, fences, all, timeout);
        _ = s_waiting.AddOrUpdate(fence, 0, static (_, waiting) => waiting - 1);
        return result;
    }

    [UnmanagedCallersOnly]
    private static Result ResetFences(Device device, uint count, Fence* fences)
    {
        if (s_waiting.GetValueOrDefault(fences->Handle) > 0)
        {
            _ = Interlocked.Increment(ref s_resetsWhileWaiting);
        }

        return ((delegate* unmanaged<Device, uint, Fence*, Result>)s_real[9])(device, count, fences);
    }
}
