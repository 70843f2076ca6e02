using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace Vmem.Memory.Isolation;

/// <summary>The memory that a context deals out: whose it is, and so whether it must be given back.</summary>
/// <remarks>
/// There is no finaliser, on purpose: clients hand out bare addresses, which keep nothing alive. A block freed because only addresses into
/// it were left would be a use after free; one that nobody disposes of is only a leak, as with <see cref="NativeMemory"/>.
/// </remarks>
internal sealed unsafe class ContextBlock
{
    private readonly void* _owned;
    private readonly SafeBuffer? _view;

    private ContextBlock(byte* start, nuint size, bool isZeroed, void* owned = null, SafeBuffer? view = null)
    {
        Start = start;
        Size = size;
        IsZeroed = isZeroed;
        _owned = owned;
        _view = view;
    }

    public byte* Start { get; }

    public nuint Size { get; }

    /// <summary>True if every byte is known to be zero.</summary>
    public bool IsZeroed { get; }

    public static ContextBlock Borrow(void* start, nuint size)
    {
        ArgumentNullException.ThrowIfNull(start);
        if (size > nuint.MaxValue - (nuint)start)
        {
            throw new ArgumentOutOfRangeException(nameof(size), size, "A block that starts there cannot be that long: it would pass the end of the address space.");
        }

        return new ContextBlock((byte*)start, size, isZeroed: false);
    }

    /// <summary>Zeroed memory costs no more than other for a block of some size: the system gives fresh pages, which it zeroes as they are
    /// first touched.</summary>
    /// <param name="size">Is rounded up to the granule.</param>
    /// <param name="granule">What the block's start is a multiple of.</param>
    public static ContextBlock Own(nuint size, nuint granule)
    {
        ArgumentOutOfRangeException.ThrowIfZero(size);
        if (size > nuint.MaxValue - (2 * granule))
        {
            throw new ArgumentOutOfRangeException(nameof(size), size, "No block can be that long.");
        }

        nuint rounded = (size + granule - 1) & ~(granule - 1);
        void* owned = NativeMemory.AllocZeroed(rounded + granule - 1);
        nuint start = ((nuint)owned + granule - 1) & ~(granule - 1);
        return new ContextBlock((byte*)start, rounded, isZeroed: true, owned);
    }

    public static ContextBlock Map(MemoryMappedViewAccessor view)
    {
        ArgumentNullException.ThrowIfNull(view);
        if (!view.CanRead || !view.CanWrite)
        {
            throw new ArgumentException("Clients read and write their memory: open the view with MemoryMappedFileAccess.ReadWrite.", nameof(view));
        }

        byte* mapped = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref mapped);
        return new ContextBlock(mapped + view.PointerOffset, (nuint)view.Capacity, isZeroed: false, view: view.SafeMemoryMappedViewHandle);
    }

    public void Release()
    {
        NativeMemory.Free(_owned);
        _view?.ReleasePointer();
    }
}
