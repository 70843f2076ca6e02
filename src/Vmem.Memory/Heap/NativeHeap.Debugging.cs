using System.Runtime.InteropServices;
using Vmem.Memory.Heap;
using Vmem.Memory.Heap.Debugging;

namespace Vmem.Memory;

// The heap with debugging, and what its debugger sees of the plain heap.
public sealed unsafe partial class NativeHeap
{
    /// <summary>What the heap does to find mistakes in its use; <see cref="HeapDebugging.None"/> if nothing.</summary>
    public HeapDebugging Debugging => _debugger?.Debugging ?? HeapDebugging.None;

    /// <summary>What the heap's users hold at this moment, grouped by the stacks that allocated it, the largest total first. O(live
    /// blocks).</summary>
    /// <returns>The report.</returns>
    /// <exception cref="InvalidOperationException">The heap keeps no owners: <see cref="HeapDebugging.Owners"/> was not set.</exception>
    public AuditReport<nuint> GetAuditReport()
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        return _debugger is not null
            ? _debugger.Report()
            : throw new InvalidOperationException($"Heap '{Name}' keeps no owners. Set {nameof(NativeHeapOptions)}.{nameof(NativeHeapOptions.Debugging)} when it is made.");
    }

    /// <summary>Is the address one of the heap's, whatever lies there?</summary>
    internal bool Reserves(nuint address) => address - _start < _space.Size;

    /// <summary>Pages of the plain heap, however few they are; 0 if there are none.</summary>
    internal nuint TakePages(nuint size, out bool isZero)
    {
        nuint pages = TakeLarge(size, alignment: 1, clear: false, out isZero);
        if (pages == 0)
        {
            _ = TrimPlain(discard: false);
            pages = TakeLarge(size, alignment: 1, clear: false, out isZero);
        }

        return pages;
    }

    /// <summary>The size of a block of the plain heap; 0 if no pages were allocated there.</summary>
    internal nuint SizeOfPlain(nuint block)
    {
        int sizeClass = ClassAt(block);
        return SizeClasses.Contains(sizeClass) ? (nuint)SizeClasses.SizeOf(sizeClass) : _space.SizeAt(block);
    }

    /// <summary>The class of the slab that an address is in; 0 if it is in none.</summary>
    private int ClassAt(nuint address)
    {
        nuint granule = (address - _start) >> HeapSpace.GranuleShift;
        return granule < _space.Granules ? _classes[granule] : 0;
    }

    /// <summary>With debugging a block moves whenever its size is to change, or even is not: who keeps the old address shall be found out.</summary>
    private void* ResizeElsewhere(void* block, nuint size, nuint alignment)
    {
        nuint old = _debugger!.Measure((nuint)block, forResize: true);
        void* moved = AllocateAligned(size, alignment);
        NativeMemory.Copy(block, moved, Math.Min(old, size));
        FreeMoved(block, moved);
        return moved;
    }
}
