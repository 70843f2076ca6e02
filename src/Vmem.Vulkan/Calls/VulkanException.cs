using Silk.NET.Vulkan;

namespace Vmem.Vulkan;

/// <summary>The driver refused a call, or no memory of the device meets a request. Whatever the call had taken before is given
/// back.</summary>
public sealed class VulkanException : Exception
{
    /// <summary>Says which call failed, and how.</summary>
    /// <param name="result">What the driver returned, or would have.</param>
    /// <param name="message">The whole message.</param>
    public VulkanException(Result result, string message)
        : base(message)
    {
        Result = result;
    }

    /// <summary>What the driver returned. <see cref="Result.ErrorOutOfDeviceMemory"/>: no memory type that is allowed has room.
    /// <see cref="Result.ErrorFeatureNotPresent"/>: no memory type is allowed. <see cref="Result.ErrorDeviceLost"/>: the device is gone; it
    /// can be disposed of, and so can what was allocated on it.</summary>
    public Result Result { get; }

    internal static void Check(Result result, string call)
    {
        if (result < Result.Success)
        {
            throw new VulkanException(result, $"{call} failed: {result}.");
        }
    }
}
