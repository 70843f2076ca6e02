using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Memory.Heap;

namespace Vmem.Memory;

// What the fast paths cannot serve: it goes to the layer below.
public sealed unsafe partial class NativeHeap
{
    /// <summary>A block, zeroed, its rounding included. Pages fresh from the system are not zeroed again.</summary>
    /// <inheritdoc cref="Allocate"/>
    public void* AllocateZeroed(nuint size) => TryAllocateZeroed(size, alignment: 1, out void* block) ? block : throw OutOfMemory(size);

    /// <summary>As <see cref="AllocateZeroed"/>, but false where that finds no memory.</summary>
    /// <inheritdoc cref="TryAllocate(nuint, out void*)"/>
    public bool TryAllocateZeroed(nuint size, out void* block) => TryAllocateZeroed(size, alignment: 1, out block);

    /// <summary>A block that starts at a multiple of <paramref name="alignment"/>.</summary>
    /// <param name="size">In bytes; 0 gives the smallest there is.</param>
    /// <param name="alignment">Any power of two.</param>
    /// <returns>The block.</returns>
    /// <exception cref="ArgumentException">The alignment is no power of two.</exception>
    /// <inheritdoc cref="Allocate" path="/exception"/>
    public void* AllocateAligned(nuint size, nuint alignment)
    {
        ThrowIfNoAlignment(alignment);
        return AllocateSlow(size, alignment);
    }

    /// <summary>As <see cref="AllocateAligned"/>, but false where that finds no memory.</summary>
    /// <param name="size">In bytes; 0 gives the smallest there is.</param>
    /// <param name="alignment">Any power of two.</param>
    /// <param name="block">The block; null if the result is false.</param>
    /// <exception cref="ArgumentException">The alignment is no power of two.</exception>
    /// <inheritdoc cref="TryAllocate(nuint, out void*)" path="/exception"/>
    public bool TryAllocateAligned(nuint size, nuint alignment, out void* block)
    {
        ThrowIfNoAlignment(alignment);
        return TryAllocate(size, alignment, out block);
    }

    /// <summary>As <see cref="AllocateAligned"/>, zeroed, its rounding included.</summary>
    /// <inheritdoc cref="AllocateAligned"/>
    public void* AllocateAlignedZeroed(nuint size, nuint alignment)
    {
        ThrowIfNoAlignment(alignment);
        return TryAllocateZeroed(size, alignment, out void* block) ? block : throw OutOfMemory(size);
    }

    private bool TryAllocateZeroed(nuint size, nuint alignment, out void* block)
    {
        block = AllocateOrNull(size, alignment, clear: true, out bool isZero);
        if (block is not null && !isZero)
        {
            NativeMemory.Clear(block, GetSize(block));
        }

        return block is not null;
    }

    private static void ThrowIfNoAlignment(nuint alignment)
    {
        if (!BitOperations.IsPow2(alignment))
        {
            throw new ArgumentException($"{alignment} is no power of two.", nameof(alignment));
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void* AllocateSlow(nuint size)
    {
        // Every run is aligned as a heap can ask for at least.
        if (RunClasses.Contains(size))
        {
            using HeapCall call = new(this, ref _calls);
            if (!IsDisposed && Volatile.Read(ref _layers)?.Runs is { } runs && runs.TryTakeRun(size, out nuint block))
            {
                return (void*)block;
            }
        }

        return AllocateSlow(size, alignment: 1);
    }

    private void* AllocateSlow(nuint size, nuint alignment)
    {
        void* block = AllocateOrNull(size, alignment, clear: false, out _);
        return block is not null ? block : throw OutOfMemory(size);
    }

    /// <inheritdoc cref="IHeapLayer.Take"/>
    /// <remarks>Where blocks have a minimum alignment, a class that does not always have it is never asked for: its magazines stay closed,
    /// and the fast paths, which know nothing of this, come here.</remarks>
    private void* AllocateOrNull(nuint size, nuint alignment, bool clear, out bool isZero)
    {
        using HeapCall call = Enter();
        isZero = false;
        nuint block = 0;
        try
        {
            block = Layer.Take(size, Math.Max(alignment, _minimumAlignment), clear, out isZero);
        }
        catch (OutOfMemoryException)
        {
            // For managed tables: to callers that is one shortage like another.
        }

        if (block == 0)
        {
            ThrowIfDisposed();                    // meanwhile
            _ = Interlocked.Increment(ref _failures);
        }

        return (void*)block;
    }

    private InsufficientMemoryException OutOfMemory(nuint size)
    {
        MemoryBudget budget = _window.Budget;
        nuint held = _layers?.Plain.Space.HeldBytes ?? 0;
        nuint limit = _options.Limit;
        nuint room = limit - nuint.Min(held, limit);
        string why = limit != 0 && size > limit
            ? $"its {nameof(NativeHeapOptions)}.{nameof(NativeHeapOptions.Limit)} is {limit}"
            : limit != 0 && (size > room || room < VirtualMemory.PageSize)       // a limit holds to the page
            ? $"it uses {held} of the {limit} bytes of its {nameof(NativeHeapOptions)}.{nameof(NativeHeapOptions.Limit)}"
            : size > budget.Limit - nuint.Min(budget.Charged, budget.Limit)
            ? $"of the {budget.Limit} bytes that {nameof(MemoryBudget)}.{nameof(MemoryBudget.Limit)} allows the process, {budget.Charged} are in use"
            : "the system has no more, or no room of that length in the address space is left";
        return new InsufficientMemoryException($"Heap '{Name}' has no {size} bytes: {why}.");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeSlow(void* block)
    {
        using HeapCall call = new(this, ref _calls);
        if (IsDisposed || Volatile.Read(ref _layers)?.Runs is not { } runs || !runs.TryFreeRun((nuint)block, size: 0))
        {
            FreeSlow(block, size: null);
        }
    }

    private void FreeSlow(void* block, nuint? size)
    {
        if (block is not null)
        {
            using HeapCall call = Enter();
            Layer.Free((nuint)block, size);
        }
    }

    /// <summary>Begins a call of a heap that has not ended.</summary>
    private HeapCall Enter()
    {
        HeapCall call = new(this, ref _calls);
        if (IsDisposed)
        {
            call.Dispose();
            ThrowIfDisposed();
        }

        return call;
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(IsDisposed, this);
}
