using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Caching;
using Vmem.Memory.Heap;

namespace Vmem.Memory;

// What magazines cannot serve.
public sealed unsafe partial class NativeHeap
{
    /// <summary>What a class's depot may hold in full magazines; beyond, blocks go back to their slabs. As much as is in flight between a
    /// producer and a consumer at a time, and little against what such a program uses: arbitrary.</summary>
    private const int DepotBytes = 512 * 1024;

    private const int LargestBatch = 63;

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
        isZero = false;
        nuint block = 0;
        try
        {
            block = _debugger is null ? TakePlain(size, alignment, out isZero) : _debugger.Allocate(size, alignment, out isZero);
        }
        catch (OutOfMemoryException)
        {
            // For managed tables: to callers that is one shortage like another.
        }

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
        if (size > _space.Size || alignment > _space.Size)
        {
            return 0;                             // no trim would help
        }

        int sizeClass = size > SizeClasses.Largest ? 0 : alignment <= 8 ? SizeClasses.Of(size) : alignment <= HeapSpace.PageSize ? SizeClasses.Aligned(size, alignment) : 0;
        nuint block = sizeClass != 0 ? TakeSmall(sizeClass) : TakeLarge(size, alignment, out isZero);
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

    /// <summary>A block from the magazines, the depot, or a slab; in that case the thread's magazine is filled on the way.</summary>
    private nuint TakeSmall(int sizeClass)
    {
        MagazineCache<nuint> cache = _caches[sizeClass];
        if (cache.TryTakeLoaded(ThreadNumber.Current, out nuint block) || cache.TryTake(out block))
        {
            return block;
        }

        Note(sizeClass);

        Span<nuint> batch = stackalloc nuint[LargestBatch];
        batch = batch[..Math.Min(MagazineRounds(sizeClass), LargestBatch)];
        int taken = _slabs[sizeClass].Take(batch);
        if (taken == 0)
        {
            return 0;
        }

        // The lowest address is handed out first: it lies on top.
        int kept = taken;
        while (--kept > 0 && (cache.TryReturnLoaded(ThreadNumber.Current, batch[kept]) || cache.TryReturn(batch[kept])))
        {
        }

        if (kept > 0)
        {
            _slabs[sizeClass].Give(batch[1..(kept + 1)]);
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
        if (sizeClass == 0)
        {
            FreeLarge(block);
            return;
        }

        MagazineCache<nuint> cache = _caches[sizeClass];
        if (cache.FullMagazines * MagazineRounds(sizeClass) * SizeClasses.SizeOf(sizeClass) > DepotBytes)
        {
            EmptyLoaded(cache, sizeClass);
        }

        // Before: once the block is free, nothing may fail.
        if (Mine(sizeClass) is null)
        {
            Note(sizeClass);
        }

        if (!cache.TryReturn((nuint)block))
        {
            _slabs[sizeClass].Give([(nuint)block]);
        }
    }

    /// <summary>The depot has enough: the thread's loaded magazine goes to the slabs instead.</summary>
    private void EmptyLoaded(MagazineCache<nuint> cache, int sizeClass)
    {
        Span<nuint> batch = stackalloc nuint[LargestBatch];
        int taken = 0;
        while (taken < batch.Length && cache.TryTakeLoaded(ThreadNumber.Current, out nuint cached))
        {
            batch[taken++] = cached;
        }

        GiveFor(sizeClass, batch[..taken]);
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

    private void FreeLarge(void* block)
    {
        nuint length = LargeSize(block, "free");
        _space.Free((nuint)block, length);
        _ = Interlocked.Add(ref _largeBytes, -(long)length);
        _ = Interlocked.Decrement(ref _largeBlocks);
    }

    private nuint LargeSize(void* block, string verb)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        nuint length = (nuint)block - _start < _space.Size ? _space.SizeAt((nuint)block) : 0;
        if (length != 0)
        {
            return length;
        }

        (InvalidFreeReason reason, string why) =
            (nuint)block - _start >= _space.Size ? (InvalidFreeReason.NotAllocated, "it is none of this heap's addresses") :
            _space.Holds((nuint)block) ? (InvalidFreeReason.InteriorAddress, "it lies inside a block") :
            (InvalidFreeReason.AlreadyFree, "no block starts there");
        throw new InvalidFreeException(reason, (nuint)block, 0, $"Heap '{Name}' cannot {verb} 0x{(nuint)block:x}: {why}. Nothing was changed.");
    }
}
