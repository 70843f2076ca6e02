using Silk.NET.Vulkan;
using Vmem.Vulkan.Blocks;
using Vmem.Vulkan.Calls;
using Vmem.Vulkan.Memory;
using Buffer = Silk.NET.Vulkan.Buffer;

namespace Vmem.Vulkan.Moving;

/// <summary>A buffer that moves: it has two handles and two places until the move ends.</summary>
internal sealed unsafe class BufferMove
{
    private readonly GpuPlace _target;
    private bool _hasMoved;
    private bool _hasEnded;

    private BufferMove(GpuBuffer buffer, in GpuPlace target, Buffer newHandle)
    {
        Buffer = buffer;
        NewHandle = newHandle;
        _target = target;
    }

    public GpuBuffer Buffer { get; }

    public Buffer NewHandle { get; }

    /// <summary>Takes the new place, with a handle there.</summary>
    /// <returns>Null, and nothing was changed, if the buffer was freed meanwhile, or the place was taken.</returns>
    /// <exception cref="VulkanException">The driver failed; nothing was changed.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory to note the rest of a buffer that was freed meanwhile. It lives on, and
    /// can be freed again.</exception>
    public static BufferMove? TryBegin(GpuMemory memory, GpuBuffer buffer, MemoryTypePool pool, in RangeMove<ulong> move)
    {
        if (!memory.Live.TryBeginMove(buffer.Allocation))
        {
            return null;
        }

        bool isTaken = false;
        Buffer handle = default;
        BufferMove? begun = null;
        try
        {
            isTaken = pool.Arena.BeginMove(move);
            if (isTaken)
            {
                var target = new GpuPlace(pool.Blocks.BlockOf(move.To), pool, move.To);
                handle = buffer.CreateTwin();
                GpuDevice device = memory.Device;
                VulkanException.Check(
                    device.Vk.BindBufferMemory(device.Handle, handle, target.Block.Handle, target.Offset), "vkBindBufferMemory");
                begun = new BufferMove(buffer, target, handle);
            }

            return begun;
        }
        finally
        {
            if (begun is null)
            {
                memory.Retired.Destroy(handle, default);
                if (isTaken)
                {
                    pool.Arena.AbandonMove(move);
                }

                EndMove(memory, buffer);
            }
        }
    }

    /// <summary>The buffer stays where it was. If it was freed meanwhile, or retired, frames may use it still, and it rests.</summary>
    private static void EndMove(GpuMemory memory, GpuBuffer buffer)
    {
        GpuAllocation allocation = buffer.Allocation;
        if (memory.Live.EndMove(allocation))
        {
            return;
        }

        try
        {
            memory.Retired.Add(allocation.LastPlace, allocation.Size, buffer.Handle, default);
        }
        catch
        {
            memory.Live.Restore(allocation);      // else nobody could find it any more
            throw;
        }
    }

    /// <summary>Ends the move: one of both places rests from now on, or both if the buffer was freed meanwhile. A call that threw can be
    /// repeated.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory to note a rest; the buffer is where it was.</exception>
    public void End(GpuMemory memory, bool isCommitted)
    {
        if (_hasEnded)
        {
            return;
        }

        if (!_hasMoved)
        {
            (GpuPlace place, Buffer handle) = isCommitted ? (Buffer.Allocation.LastPlace, Buffer.Handle) : (_target, NewHandle);
            memory.Retired.Add(place, Buffer.Allocation.Size, handle, default);
            _hasMoved = true;
            if (isCommitted)
            {
                Buffer.MoveTo(NewHandle, _target);
            }
        }

        if (!memory.Live.EndMove(Buffer.Allocation))
        {
            memory.Retired.Add(Buffer.Allocation.LastPlace, Buffer.Allocation.Size, Buffer.Handle, default);
        }

        _hasEnded = true;
    }
}
