using System.Buffers;
using System.Runtime.InteropServices;

namespace Vmem.Memory.Pools;

/// <summary>One rental of a pinned slab.</summary>
/// <remarks>
/// It serves one renter only. So a second disposal finds that the first has been, and never ends another's rental; that costs an object of
/// some 60 bytes a rental. Rejected: to use the object again, as aspnetcore's own pool does. <see cref="Memory{T}"/> is the array's here
/// and knows nothing of the owner, so nothing would be won by it for those who keep one too long: as with every pool of arrays, they see
/// the next renter's.
/// </remarks>
internal sealed class PinnedMemory<T>(PinnedMemoryPool<T> pool, PinnedSlab<T> slab, nuint start, nuint size, int length) : IMemoryOwner<T>
    where T : unmanaged
{
    private const int Rented = 0;
    private const int Ended = 1;

    private int _state = Rented;

    public PinnedSlab<T> Slab => slab;

    /// <summary>Its first block, as the pool's arena numbers them.</summary>
    public nuint Start => start;

    /// <summary>In blocks.</summary>
    public nuint Size => size;

    /// <summary>In elements.</summary>
    public int Length => length;

    /// <summary>Who notices if it is lost; null: nobody asked for it.</summary>
    public IDisposable? Witness { get; set; }

    /// <exception cref="ObjectDisposedException">The rental has ended.</exception>
    public Memory<T> Memory
    {
        get
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _state) != Rented, this);
            return MemoryMarshal.CreateFromPinnedArray(slab.Array, slab.IndexOf(start), length);
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _state, Ended) == Rented)
        {
            pool.TakeBack(this);
        }
        else
        {
            pool.NoteDoubleDispose();
        }
    }
}
