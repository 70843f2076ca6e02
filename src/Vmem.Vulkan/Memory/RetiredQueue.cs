using Silk.NET.Vulkan;
using Vmem.Checks;
using Vmem.Vulkan.Calls;
using Buffer = Silk.NET.Vulkan.Buffer;

namespace Vmem.Vulkan.Memory;

/// <summary>What was retired, and is destroyed when the device has done the frame that used it last.</summary>
/// <remarks>A range rests in its arena meanwhile (<see cref="Arena{T}.FreeAt(T, T, ulong)"/>), so that figures and dumps tell it from one
/// in use. Handles and dedicated blocks wait here.</remarks>
internal sealed unsafe class RetiredQueue(GpuDevice device, GpuFrames frames)
{
    private readonly Gate _gate = new();
    private readonly Queue<(ulong Frame, Buffer Buffer, Image Image, MemoryBlock? Block)> _queue = new();

    /// <exception cref="OutOfMemoryException">Nothing was changed.</exception>
    public void Add(in GpuPlace place, ulong size, Buffer buffer, Image image)
    {
        using Gate.Scope scope = _gate.EnterScope();
        _ = _queue.EnsureCapacity(_queue.Count + 1);
        ulong frame = frames.Current;             // under the gate, so that the queue is in the order of frames
        place.Pool?.Arena.FreeAt(place.Address, size, frame);
        _queue.Enqueue((frame, buffer, image, place.Pool is null ? place.Block : null));
    }

    /// <summary>The device has done a frame, and all before.</summary>
    public void Complete(ulong frame)
    {
        using Gate.Scope scope = _gate.EnterScope();
        while (_queue.TryPeek(out (ulong Frame, Buffer Buffer, Image Image, MemoryBlock? Block) retired) && retired.Frame <= frame)
        {
            Destroy(retired.Buffer, retired.Image);
            if (retired.Block is { } block)
            {
                device.Free(block);
            }

            _ = _queue.Dequeue();
        }
    }

    /// <summary>The dedicated blocks that rest.</summary>
    public List<MemoryBlock> ListBlocks()
    {
        using Gate.Scope scope = _gate.EnterScope();
        return [.. _queue.Select(static retired => retired.Block).OfType<MemoryBlock>()];
    }

    /// <summary>Destroys what there is; a default handle is nothing.</summary>
    public void Destroy(Buffer buffer, Image image)
    {
        device.Vk.DestroyBuffer(device.Handle, buffer, device.Callbacks);
        device.Vk.DestroyImage(device.Handle, image, device.Callbacks);
    }
}
