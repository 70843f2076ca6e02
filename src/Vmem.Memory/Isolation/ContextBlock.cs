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
    private readonly void* _owned;                // of the C library
    private readonly nuint _reserved;             // else the block is reserved address space, so much
    private readonly SafeBuffer? _view;

    private ContextBlock(byte* start, nuint size, bool isZeroed, void* owned = null, nuint reserved = 0, SafeBuffer? view = null)
    {
        Start = start;
        Size = size;
        IsZeroed = isZeroed;
        _owned = owned;
        _reserved = reserved;
        _view = view;
    }

    public byte* Start { get; }

    public nuint Size { get; private set; }

    /// <summary>How long it can become.</summary>
    public nuint Most => nuint.Max(_reserved, Size);

    /// <summary>True if every byte is known to be zero.</summary>
    public bool IsZeroed { get; }

    /// <summary>True if it is the context's own.</summary>
    public bool IsOwned => _owned is not null || _reserved != 0;

    public static ContextBlock Borrow(void* block, nuint size)
    {
        ArgumentNullException.ThrowIfNull(block);
        if (size > nuint.MaxValue - (nuint)block)
        {
            throw new ArgumentOutOfRangeException(nameof(size), size, "A block that starts there cannot be that long: it would pass the end of the address space.");
        }

        return new ContextBlock((byte*)block, size, isZeroed: false);
    }

    /// <summary>Zeroed memory: pages fresh from the system, which it zeroes as they are first touched; from the C library if the granule is
    /// no whole page.</summary>
    /// <param name="size">Is rounded up to the granule.</param>
    /// <param name="granule">What the block's start is a multiple of.</param>
    /// <param name="most">How long it may become; 0: it stays as it is. Is rounded up, too.</param>
    /// <exception cref="ArgumentException">It could never be so long, or a block of no whole pages is to grow.</exception>
    /// <exception cref="OutOfMemoryException">The system has no such block.</exception>
    public static ContextBlock Own(nuint size, nuint granule, nuint most)
    {
        ArgumentOutOfRangeException.ThrowIfZero(size);
        if (nuint.Max(size, most) > nuint.MaxValue - (2 * granule))
        {
            throw new ArgumentOutOfRangeException(nameof(size), nuint.Max(size, most), "No block can be that long.");
        }

        nuint rounded = (size + granule - 1) & ~(granule - 1);
        nuint reserved = nuint.Max(rounded, (most + granule - 1) & ~(granule - 1));
        if (granule % VirtualMemory.PageSize == 0)
        {
            void* block = VirtualMemory.Reserve(reserved, granule);
            if (!VirtualMemory.TryCommit(block, rounded))
            {
                VirtualMemory.Release(block, reserved);
                throw new InsufficientMemoryException($"The system has no {rounded} bytes of memory for a context.");
            }

            return new ContextBlock((byte*)block, rounded, isZeroed: true, reserved: reserved);
        }

        if (reserved > rounded)
        {
            throw new ArgumentException($"A context whose BlockSize is {granule} cannot grow: one of whole pages of {VirtualMemory.PageSize} bytes can.", nameof(most));
        }

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

    /// <summary>Makes it longer, with zeroed memory. False, and nothing is changed, if the system has none.</summary>
    public bool TryGrow(nuint size)
    {
        bool isLonger = size <= Size || VirtualMemory.TryCommit(Start + Size, size - Size);
        Size = isLonger ? nuint.Max(size, Size) : Size;
        return isLonger;
    }

    public void Release()
    {
        NativeMemory.Free(_owned);
        if (_reserved != 0)
        {
            VirtualMemory.Release(Start, _reserved);
        }

        _view?.ReleasePointer();
    }
}
