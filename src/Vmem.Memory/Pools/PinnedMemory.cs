using System.Buffers;
using System.Runtime.InteropServices;

namespace Vmem.Memory.Pools;

/// <summary>A rental of a pinned slab.</summary>
/// <remarks>
/// It serves one renter only, unless <see cref="PinnedMemoryPoolOptions.RecycleOwners"/> is set. So a second disposal finds that the first
/// has been, and never ends another's rental; that costs an object of some 60 bytes a rental. <see cref="Memory{T}"/> is the array's and
/// knows nothing of the owner. So whoever keeps one too long sees the next renter's either way, as with every pool of arrays.
/// </remarks>
internal sealed class PinnedMemory<T>(PinnedMemoryPool<T> pool, PinnedSlab<T> slab, nuint start, nuint size, int length) : IMemoryOwner<T>
    where T : unmanaged
{
    private const int Rented = 0;
    private const int Ended = 1;

    private readonly int _index = slab.IndexOf(start);
    private readonly int _size = (int)size;       // an array has no more
    private int _state = Rented;

    public PinnedSlab<T> Slab => slab;

    /// <summary>Its first block, as the pool's arena numbers them.</summary>
    public nuint Start => start;

    /// <summary>In blocks.</summary>
    public nuint Size => (nuint)_size;

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
            return MemoryMarshal.CreateFromPinnedArray(slab.Array, _index, length);
        }
    }

    /// <summary>The next rental of its block begins. Only for who has the block.</summary>
    public void Restart() => Volatile.Write(ref _state, Rented);

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
