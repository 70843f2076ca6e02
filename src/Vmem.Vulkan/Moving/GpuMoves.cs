using System.Diagnostics;
using Silk.NET.Vulkan;
using Vmem.Vulkan.Blocks;
using Vmem.Vulkan.Memory;
using Vmem.Vulkan.Moving;

namespace Vmem.Vulkan;

/// <summary>One step of defragmenting: some buffers are copied to better places by the device, as far as a budget goes.</summary>
/// <remarks>
/// <para>
/// <see cref="Begin"/> plans, takes the new places, and records the copies. The caller submits them, and says <see cref="Commit"/>: from
/// then on the buffers have other handles, so that descriptors must be written anew, and buffer views made anew. The old handles and places
/// rest until the device has done the frame. Disposing of an uncommitted step gives it up: the buffers stay where they were.
/// </para>
/// <para>
/// Between both, the device may read the buffers but must not write to them, as the copy would miss it. A buffer may be freed or retired
/// meanwhile. Which are moved says <see cref="GpuBuffer.IsMovable"/>; images stay, as only their owner knows their layout.
/// </para>
/// </remarks>
[DebuggerDisplay("{Buffers.Count} buffers, {Size} bytes")]
public sealed unsafe class GpuMoves : IDisposable
{
    private readonly GpuMemory _memory;
    private readonly List<BufferMove> _moves = [];
    private bool _isCommitted;
    private bool _isOrphan;                       // its end has failed, and nobody was given it

    private GpuMoves(GpuMemory memory)
    {
        _memory = memory;
    }

    /// <summary>The buffers of the step. It is empty if nothing can be gained within the budget.</summary>
    public IReadOnlyList<GpuBuffer> Buffers => [.. _moves.Select(move => move.Buffer)];

    /// <summary>How many bytes are copied.</summary>
    public ulong Size => _moves.Aggregate(0UL, (sum, move) => sum + move.Buffer.Size);

    /// <summary>Plans a step, takes the new places, and records the copies with the barriers that they need.</summary>
    /// <param name="memory">The memory.</param>
    /// <param name="commands">The commands of the current frame, outside a render pass.</param>
    /// <param name="maxSize">How many bytes to copy at most.</param>
    /// <param name="maxMoves">How many buffers to move at most.</param>
    /// <returns>The step.</returns>
    /// <exception cref="InvalidOperationException">Another step of this memory is under way.</exception>
    /// <exception cref="VulkanException">The driver failed; nothing was changed, and what was recorded must not be submitted.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory for the plan, or to give up a step that failed: the next call goes on
    /// with that first. What was recorded must not be submitted.</exception>
    /// <remarks>O(n log n) in the number of ranges: see <see cref="Arena{T}.PlanDefragmentation"/>.</remarks>
    public static GpuMoves Begin(GpuMemory memory, CommandBuffer commands, ulong maxSize, int maxMoves = int.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentOutOfRangeException.ThrowIfNegative(maxMoves);
        var moves = new GpuMoves(memory);
        if (Volatile.Read(ref memory.Moves) is GpuMoves other && Interlocked.Exchange(ref other._isOrphan, false))
        {
            other.Abandon();
        }

        if (Interlocked.CompareExchange(ref memory.Moves, moves, null) is not null)
        {
            throw new InvalidOperationException($"Buffers of '{memory.Name}' are being moved already: commit that step, or dispose of it.");
        }

        try
        {
            moves.Take(maxSize, maxMoves);
            moves.Record(commands);
            return moves;
        }
        catch
        {
            moves.Abandon();
            throw;
        }
    }

    /// <summary>The copies were submitted, or will be with the current frame: the buffers are at their new places from now on.</summary>
    /// <exception cref="InvalidOperationException">The step has ended already.</exception>
    /// <exception cref="OutOfMemoryException">Some buffers are not moved yet; call it again.</exception>
    /// <remarks>No other thread may use the buffers of the step meanwhile: their handles and places change.</remarks>
    public void Commit()
    {
        if (_memory.Moves != this)
        {
            throw new InvalidOperationException("This step was committed, or disposed of.");
        }

        _isCommitted = true;
        Dispose();
    }

    /// <summary>Gives the step up, unless it was committed. The new places rest until the device has done the current frame, as the copies
    /// may be under way. Idempotent.</summary>
    public void Dispose()
    {
        if (_memory.Moves != this)
        {
            return;
        }

        foreach (BufferMove move in _moves)
        {
            move.End(_memory, _isCommitted);      // if that throws, the next call goes on there
        }

        Volatile.Write(ref _memory.Moves, null);
    }

    /// <summary>Gives up a step that nobody else has. If that throws, the next step goes on there, or the end of the memory.</summary>
    private void Abandon()
    {
        try
        {
            Dispose();
        }
        catch
        {
            Volatile.Write(ref _isOrphan, true);
            throw;
        }
    }

    private void Take(ulong maxSize, int maxMoves)
    {
        ILookup<MemoryTypePool, GpuBuffer> movable = _memory.Live.ToList()
            .Select(allocation => allocation.Resource).OfType<GpuBuffer>().Where(buffer => buffer.IsMovable)
            .ToLookup(buffer => buffer.Allocation.LastPlace.Pool!);
        foreach (IGrouping<MemoryTypePool, GpuBuffer> group in movable)
        {
            Dictionary<ulong, GpuBuffer> buffers = [];
            foreach (GpuBuffer buffer in group)
            {
                buffers[buffer.Allocation.LastPlace.Address] = buffer;
            }

            foreach (RangeMove<ulong> move in group.Key.Arena.PlanDefragmentation(new DefragmentationBudget<ulong>
            {
                MaxSize = maxSize - Size,
                MaxMoves = maxMoves - _moves.Count,
                IsPinned = segment => !buffers.ContainsKey(segment.Start),
                ConstraintsOf = segment => new RangeConstraints<ulong>
                {
                    Align = AlignOf(buffers.GetValueOrDefault(segment.Start), group.Key),
                },
            }))
            {
                _ = _moves.EnsureCapacity(_moves.Count + 1);     // a move that has begun must not be lost
                if (BufferMove.TryBegin(_memory, buffers[move.From], group.Key, move) is { } begun)
                {
                    _moves.Add(begun);
                }
            }
        }
    }

    private static ulong AlignOf(GpuBuffer? buffer, MemoryTypePool pool) =>
        buffer?.Allocation.Alignment > pool.Arena.Quantum ? buffer.Allocation.Alignment : 0;

    private void Record(CommandBuffer commands)
    {
        if (_moves.Count == 0)
        {
            return;
        }

        Vk vk = _memory.Device.Vk;
        var before = new MemoryBarrier
        {
            SType = StructureType.MemoryBarrier,
            SrcAccessMask = AccessFlags.MemoryWriteBit,
            DstAccessMask = AccessFlags.TransferReadBit | AccessFlags.TransferWriteBit,
        };
        vk.CmdPipelineBarrier(
            commands, PipelineStageFlags.AllCommandsBit, PipelineStageFlags.TransferBit, 0, 1, &before, 0, null, 0, null);
        foreach (BufferMove move in _moves)
        {
            var copy = new BufferCopy { Size = move.Buffer.Size };
            vk.CmdCopyBuffer(commands, move.Buffer.Handle, move.NewHandle, 1, &copy);
        }

        var after = new MemoryBarrier
        {
            SType = StructureType.MemoryBarrier,
            SrcAccessMask = AccessFlags.TransferWriteBit,
            DstAccessMask = AccessFlags.MemoryReadBit | AccessFlags.MemoryWriteBit,
        };
        vk.CmdPipelineBarrier(
            commands, PipelineStageFlags.TransferBit, PipelineStageFlags.AllCommandsBit, 0, 1, &after, 0, null, 0, null);
    }
}
