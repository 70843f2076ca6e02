using System.Diagnostics;
using Silk.NET.Vulkan;
using Vmem.Checks;

namespace Vmem.Vulkan;

/// <summary>A mapped buffer from which each frame takes what it uploads; all of it comes back when the device has done the frame.</summary>
/// <remarks>
/// <para>
/// An arena over the buffer with next fit, whose ranges rest for the frame that took them (<see cref="Arena{T}.FreeAt(T, T, ulong)"/>).
/// They end in the order of frames, so the arena goes round and round. Nobody counts heads and tails, and nothing is freed by hand.
/// </para>
/// <para>Safe to share between threads. Taking a slice is O(log n) in the number of slices of the frames under way.</para>
/// <para>
/// A slice is for the frame that was current when it was taken. Before <see cref="GpuFrames.End"/> it must have been written, and its
/// copy recorded: when the device has done the frame, others get the slice.
/// </para>
/// </remarks>
[DebuggerDisplay("{Size} bytes")]
public sealed unsafe class StagingRing : IDisposable
{
    // Larger than the texel of any format, and a multiple of what copies want of their offset nearly everywhere.
    private const ulong Quantum = 16;

    private readonly GpuMemory _memory;
    private readonly GpuBuffer _buffer;
    private readonly Arena<ulong> _arena;
    private readonly Gate _taking = new();        // no frame is complete between the look at which is current and the rest for it
    private bool _isDisposed;

    /// <summary>Makes a ring.</summary>
    /// <param name="memory">The memory that it is taken from, and whose frames it goes by.</param>
    /// <param name="size">How many bytes, a multiple of 16: what all frames under way upload, at most.</param>
    /// <param name="usage">What else the device does with the buffer than copy from it: constants, vertices.</param>
    /// <exception cref="ArgumentException">The size is 0, or no multiple of 16.</exception>
    /// <exception cref="VulkanException">There is no room; nothing is held.</exception>
    public StagingRing(GpuMemory memory, ulong size, BufferUsageFlags usage = 0)
    {
        ArgumentNullException.ThrowIfNull(memory);
        _memory = memory;
        _arena = new Arena<ulong>($"{memory.Name}, staging", 0, size, Quantum, new ArenaOptions<ulong> { Policy = FitPolicy.NextFit });
        GpuBuffer? buffer = null;
        try
        {
            buffer = memory.CreateBuffer(
                size, BufferUsageFlags.TransferSrcBit | usage, new GpuUse { HostAccess = HostAccess.Write, Name = "staging" });
            _buffer = buffer;
            memory.Frames.Listen(Complete);
        }
        catch
        {
            buffer?.Dispose();
            _arena.Dispose();
            throw;
        }
    }

    /// <summary>How many bytes it has.</summary>
    public ulong Size => _buffer.Size;

    /// <summary>The figures of the arena: what rests is what the frames under way have taken.</summary>
    /// <returns>The figures, in bytes.</returns>
    public ArenaStatistics<ulong> GetStatistics() => _arena.GetStatistics();

    /// <summary>Takes a slice for the current frame.</summary>
    /// <param name="length">How many bytes, at least 1.</param>
    /// <param name="slice">The slice.</param>
    /// <param name="align">Its offset is a multiple of this: what the driver asks of an offset of constants, say. 0 or 16: as it
    /// comes.</param>
    /// <returns>False if the frames under way have taken too much: begin the next frame, or upload less in each.</returns>
    /// <exception cref="ArgumentException">The alignment is no multiple of 16.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The length is below 1.</exception>
    public bool TryTake(int length, out StagingSlice slice, ulong align = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        slice = default;
        using Gate.Scope taking = _taking.EnterScope();
        ulong frame = _memory.Frames.Current;
        if (!_arena.TryAllocateConstrained((ulong)length, new RangeConstraints<ulong> { Align = align }, out ulong offset))
        {
            return false;
        }

        try
        {
            slice = new StagingSlice(_buffer, offset, length);
            _arena.FreeAt(offset, (ulong)length, frame);
            return true;
        }
        catch
        {
            _arena.Free(offset, (ulong)length);
            throw;
        }
    }

    /// <summary>Writes bytes into a slice, and records their copy into a buffer.</summary>
    /// <param name="commands">The commands of the current frame, outside a render pass.</param>
    /// <param name="source">The bytes.</param>
    /// <param name="target">The buffer that gets them; it needs TransferDst.</param>
    /// <param name="offset">Where in that buffer.</param>
    /// <returns>False, and nothing is recorded, if the frames under way have taken too much.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The bytes reach past the end of the buffer.</exception>
    /// <exception cref="VulkanException">The driver failed.</exception>
    /// <remarks>The caller records the barrier between the copy and its use.</remarks>
    public bool TryUpload(CommandBuffer commands, ReadOnlySpan<byte> source, GpuBuffer target, ulong offset = 0)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, target.Size);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)source.Length, target.Size - offset, nameof(source));
        if (source.IsEmpty)
        {
            return true;
        }

        if (!TryTake(source.Length, out StagingSlice slice))
        {
            return false;
        }

        source.CopyTo(slice.Contents);
        slice.Flush();
        var copy = new BufferCopy { SrcOffset = slice.Offset, DstOffset = offset, Size = (ulong)source.Length };
        _memory.Device.Vk.CmdCopyBuffer(commands, slice.Buffer, target.Handle, 1, &copy);
        return true;
    }

    /// <summary>Frees the buffer when the device has done the current frame. Idempotent.</summary>
    public void Dispose()
    {
        if (!Interlocked.Exchange(ref _isDisposed, true))
        {
            _memory.Frames.StopListening(Complete);
            _arena.Dispose();
            if (_buffer.Allocation.State == Memory.AllocationState.Live)
            {
                _buffer.Retire();
            }
        }
    }

    private void Complete(ulong frame)
    {
        using Gate.Scope taking = _taking.EnterScope();
        _arena.CompleteFence(frame);
    }
}
