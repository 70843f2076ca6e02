using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Memory.Heap;

namespace Vmem.Memory;

// What magazines cannot serve.
public sealed unsafe partial class NativeHeap
{
    /// <summary>A block, zeroed, its rounding included. Pages fresh from the system are not zeroed again.</summary>
    /// <inheritdoc cref="Allocate"/>
    public void* AllocateZeroed(nuint size)
    {
        void* block = AllocateOrNull(size, alignment: 1, clear: true, out bool isZero);
        if (block is null)
        {
            throw OutOfMemory(size);
        }

        if (!isZero)
        {
            NativeMemory.Clear(block, GetSize(block));
        }

        return block;
    }

    /// <summary>A block that starts at a multiple of <paramref name="alignment"/>.</summary>
    /// <param name="size">In bytes; 0 gives the smallest there is.</param>
    /// <param name="alignment">Any power of two.</param>
    /// <exception cref="ArgumentException">The alignment is no power of two.</exception>
    /// <inheritdoc cref="Allocate"/>
    public void* AllocateAligned(nuint size, nuint alignment)
    {
        ThrowIfNoAlignment(alignment);
        return TryAllocateAligned(size, alignment, out void* block) ? block : throw OutOfMemory(size);
    }

    private bool TryAllocateAligned(nuint size, nuint alignment, out void* block)
    {
        block = AllocateOrNull(size, alignment, clear: false, out _);
        return block is not null;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void* AllocateSlow(nuint size)
    {
        void* block = AllocateOrNull(size, alignment: 1, clear: false, out _);
        return block is not null ? block : throw OutOfMemory(size);
    }

    /// <param name="size">In bytes.</param>
    /// <param name="alignment">A power of two.</param>
    /// <param name="clear">Zeroes pages that are not zero; other memory is left to the caller.</param>
    /// <param name="isZero">Is all of the block zero?</param>
    private void* AllocateOrNull(nuint size, nuint alignment, bool clear, out bool isZero)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        isZero = false;
        nuint block = 0;
        try
        {
            block = _debugger is null ? TakePlain(size, alignment, clear, out isZero) : _debugger.Allocate(size, alignment, out isZero);
        }
        catch (OutOfMemoryException)
        {
            // For managed tables: to callers that is one shortage like another.
        }

        if (block == 0)
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);      // meanwhile
            _ = Interlocked.Increment(ref _failures);
        }
        else if (_debugger is not null)
        {
            _ = Interlocked.Increment(ref _otherAllocations);
        }

        return (void*)block;
    }

    /// <summary>A block of the plain heap, below any debugging; 0 if there is no memory even after all reserves have been given up.</summary>
    internal nuint TakePlain(nuint size, nuint alignment, bool clear, out bool isZero)
    {
        isZero = false;
        size = Math.Max(size, 1);
        if (size > _space.Size || alignment > _space.Size)
        {
            return 0;                             // no trim would help
        }

        int sizeClass = size > SizeClasses.Largest ? 0 : alignment <= 8 ? SizeClasses.Of(size) : alignment <= HeapSpace.PageSize ? SizeClasses.Aligned(size, alignment) : 0;
        if (sizeClass != 0 && alignment <= FirstBlocks.Quantum && _firstBlocks is not null && _firstBlocks.TryTake(sizeClass, out nuint block))
        {
            return block;
        }

        block = sizeClass != 0 ? TakeSmall(sizeClass) : TakeLarge(size, alignment, clear, out isZero);
        if (block == 0)
        {
            // Also if this finds nothing: another thread may have been giving back meanwhile.
            _ = TrimPlain(discard: false);
            block = sizeClass != 0 ? TakeSmall(sizeClass) : TakeLarge(size, alignment, clear, out isZero);
        }

        return block;
    }

    private InsufficientMemoryException OutOfMemory(nuint size) =>
        new($"Heap '{Name}' has no {size} bytes: it holds {_space.CommittedBytes} of the {_space.Size} bytes it may, and the system gave no more.");

    /// <summary>A block from the thread's magazine, which is filled by half if it is empty.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private nuint TakeSmall(int sizeClass)
    {
        SlabClass slabs = _slabs[sizeClass];
        Span<nuint> batch = stackalloc nuint[SizeClasses.MostRounds];
        ref HeapMagazine mine = ref MagazineOf(slabs);
        if (mine.TryPop(out nuint block))
        {
            return block;
        }

        if (slabs.IsEmpty)
        {
            // Before the heap grows: a block that nobody needs keeps a whole slab's memory from all other classes.
            NoteWrong(_magazines.ReturnIdle(_slabs.AsSpan(1)));
        }

        int taken = slabs.Take(batch[..mine.NextBatch()]);
        if (taken == 0)
        {
            return 0;
        }

        block = batch[0];

        // The lowest address of a slab is handed out first.
        batch = batch[(1 + mine.Fill(batch[1..taken]))..taken];
        if (!batch.IsEmpty)
        {
            NoteWrong(slabs.Give(batch));
        }

        if (_debugger is null)
        {
            _ = Interlocked.Increment(ref _otherAllocations);
        }

        return block;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeSlow(void* block)
    {
        if (block is null)
        {
            return;
        }

        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        if (_debugger is not null)
        {
            _debugger.Free((nuint)block, size: null);
            return;
        }

        FreePlain(block);
    }

    /// <summary>Frees a block of the plain heap, below any debugging.</summary>
    internal void FreePlain(void* block)
    {
        int sizeClass = ClassAt((nuint)block);
        if (!SizeClasses.Contains(sizeClass))
        {
            FreeUnclassed(block, sizeClass);
            return;
        }

        GiveSmall((nuint)block, sizeClass);
    }

    /// <summary>Puts a block into the thread's magazine, of which one half goes to the depot if it is full.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void GiveSmall(nuint block, int sizeClass)
    {
        SlabClass slabs = _slabs[sizeClass];
        Span<nuint> batch = stackalloc nuint[SizeClasses.MostRounds];
        ref HeapMagazine mine = ref MagazineOf(slabs);
        batch = batch[..mine.Spill(batch[..SizeClasses.Rounds(sizeClass)])];
        if (!batch.IsEmpty)
        {
            NoteWrong(slabs.Give(batch));
        }

        if (!mine.TryPush(block))
        {
            NoteWrong(slabs.Give([block]));
        }
    }

    /// <summary>The current thread's magazine of a class; a closed one with debugging, or if there is no memory for it.</summary>
    private ref HeapMagazine MagazineOf(SlabClass slabs)
    {
        if (_debugger is null)
        {
            try
            {
                return ref _magazines.Join(slabs);
            }
            catch (OutOfMemoryException)
            {
                // Without one it is slow, and works all the same.
            }
        }

        return ref MagazineTable.None;
    }

    private nuint TakeLarge(nuint size, nuint alignment, bool clear, out bool isZero)
    {
        isZero = false;
        if (size > _space.Size || alignment > _space.Size)
        {
            return 0;
        }

        nuint length = HeapSpace.RoundUp(size);
        if (!_space.TryAllocate(length, alignment, clear, out nuint start, out isZero))
        {
            return 0;
        }

        _ = Interlocked.Add(ref _largeBytes, (long)length);
        _ = Interlocked.Increment(ref _largeBlocks);
        if (_debugger is null)
        {
            _ = Interlocked.Increment(ref _otherAllocations);
        }

        return start;
    }

    /// <summary>Frees a large block, or one of the first blocks of its class.</summary>
    private void FreeUnclassed(void* block, int sizeClass)
    {
        nuint size = SizeOfUnclassed(block, "free");
        if (sizeClass == FirstBlocks.SizeClass)
        {
            _firstBlocks!.Free((nuint)block, size);
            return;
        }

        _space.Free((nuint)block, size);
        _ = Interlocked.Add(ref _largeBytes, -(long)size);
        _ = Interlocked.Decrement(ref _largeBlocks);
    }

    private nuint SizeOfUnclassed(void* block, string verb)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        Segment<nuint> found = default;
        bool isMine = (nuint)block - _start < _space.Size;
        bool isHeld = isMine && (ClassAt((nuint)block) == FirstBlocks.SizeClass ? _firstBlocks!.TryFind((nuint)block, out found) : _space.TryFind((nuint)block, out found));
        if (isHeld && found.Start == (nuint)block)
        {
            return found.Size;
        }

        (InvalidFreeReason reason, string why) =
            isHeld ? (InvalidFreeReason.InteriorAddress, "it lies inside a block") :
            isMine ? (InvalidFreeReason.AlreadyFree, "no block starts there") :
            (InvalidFreeReason.NotAllocated, "it is none of this heap's addresses");
        throw new InvalidFreeException(reason, (nuint)block, 0, $"Heap '{Name}' cannot {verb} 0x{(nuint)block:x}: {why}. Nothing was changed.");
    }
}
