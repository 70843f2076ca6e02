using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Memory.Heap;

namespace Vmem.Memory;

// What magazines cannot serve.
public sealed unsafe partial class NativeHeap
{
    /// <summary>A block, zeroed, its rounding included. Memory fresh from the system is not zeroed again.</summary>
    /// <inheritdoc cref="Allocate"/>
    public void* AllocateZeroed(nuint size)
    {
        void* block = AllocateOrNull(size, alignment: 1, out bool isZero);
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
        if (!BitOperations.IsPow2(alignment))
        {
            throw new ArgumentException($"{alignment} is no power of two.", nameof(alignment));
        }

        void* block = AllocateOrNull(size, alignment, out _);
        return block is not null ? block : throw OutOfMemory(size);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void* AllocateSlow(nuint size)
    {
        void* block = AllocateOrNull(size, alignment: 1, out _);
        return block is not null ? block : throw OutOfMemory(size);
    }

    private void* AllocateOrNull(nuint size, nuint alignment, out bool isZero)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        nuint block = _debugger is null ? TakePlain(size, alignment, out isZero) : _debugger.Allocate(size, alignment, out isZero);
        if (block == 0)
        {
            _ = Interlocked.Increment(ref _failures);
        }

        return (void*)block;
    }

    /// <summary>A block of the plain heap, below any debugging; 0 if there is no memory even after a trim.</summary>
    internal nuint TakePlain(nuint size, nuint alignment, out bool isZero)
    {
        isZero = false;
        size = Math.Max(size, 1);
        int sizeClass = size > SizeClasses.Largest ? 0 : alignment <= 8 ? SizeClasses.Of(size) : alignment <= HeapSpace.PageSize ? SizeClasses.Aligned(size, alignment) : 0;
        if (sizeClass != 0 && alignment <= FirstBlocks.Quantum && _firstBlocks is not null && _firstBlocks.TryTake(sizeClass, out nuint block))
        {
            return block;
        }

        block = sizeClass != 0 ? TakeSmall(sizeClass) : TakeLarge(size, alignment, out isZero);
        if (block == 0)
        {
            // Also if this finds nothing: another thread may have been giving back meanwhile.
            _ = TrimPlain();
            block = sizeClass != 0 ? TakeSmall(sizeClass) : TakeLarge(size, alignment, out isZero);
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

        int taken = slabs.Take(batch[..(mine.IsOpen ? SizeClasses.Rounds(sizeClass) : 1)]);
        if (taken == 0)
        {
            return 0;
        }

        // The lowest address of a slab is handed out first.
        int kept = mine.Fill(batch[1..taken]) + 1;
        if (kept < taken)
        {
            NoteWrong(slabs.Give(batch[kept..taken]));
        }

        return batch[0];
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

    private nuint TakeLarge(nuint size, nuint alignment, out bool isZero)
    {
        isZero = false;
        if (size > _space.Size || alignment > _space.Size)
        {
            return 0;
        }

        nuint length = HeapSpace.RoundUp(size);
        if (!_space.TryAllocate(length, alignment, out nuint start, out isZero))
        {
            return 0;
        }

        _ = Interlocked.Add(ref _largeBytes, (long)length);
        _ = Interlocked.Increment(ref _largeBlocks);
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
        bool isMine = (nuint)block - _start < _space.Size;
        nuint size = !isMine ? 0 : ClassAt((nuint)block) == FirstBlocks.SizeClass ? _firstBlocks!.SizeAt((nuint)block) : _space.SizeAt((nuint)block);
        return size != 0
            ? size
            : throw new InvalidFreeException(
                isMine ? InvalidFreeReason.AlreadyFree : InvalidFreeReason.NotAllocated, (nuint)block, 0,
                $"Heap '{Name}' cannot {verb} 0x{(nuint)block:x}: {(isMine ? "no block starts there" : "it is none of this heap's addresses")}. Nothing was changed.");
    }
}
