using System.Buffers;
using System.Diagnostics;
using Vmem.Diagnostics;
using Vmem.Memory.Pools;

namespace Vmem.Memory;

/// <summary>Blocks of a heap as a <see cref="MemoryPool{T}"/>: for pipelines, and whatever else asks for one.</summary>
/// <remarks>
/// <para>
/// The heap does the pooling of memory: a block that is returned lies in a magazine of its thread. The object that stands before the block
/// is a new one for each rental, unless <see cref="NativeMemoryPoolOptions.RecycleOwners"/> is set: see there what that saves and
/// risks.
/// </para>
/// <para>
/// Not for Kestrel: its transport wants memory that is an array. See <see cref="PinnedMemoryPool{T}"/>.
/// </para>
/// <para>
/// <b>Ends.</b> A pool that is disposed of refuses to rent; what is out stays valid until it is disposed of, as in aspnetcore's pools. The
/// heap is its maker's, and not disposed of. When the heap goes, all memory of it goes: owners then throw
/// <see cref="ObjectDisposedException"/>, and disposing of them does nothing.
/// </para>
/// <para>All members may be called by any thread at any time, and an owner may be disposed of by any.</para>
/// </remarks>
/// <typeparam name="T">The elements' type.</typeparam>
[DebuggerDisplay("{Name,nq}: from {_heap}")]
public sealed unsafe partial class NativeMemoryPool<T> : MemoryPool<T>
    where T : unmanaged
{
    /// <summary>What <c>MemoryPool&lt;T&gt;.Shared</c> gives by default: the fewest elements that make 4 KiB.</summary>
    private static readonly int s_defaultLength = 1 + (4095 / sizeof(T));

    private readonly NativeHeap _heap;
    private readonly NativeMemoryPoolOptions _options;
    private volatile bool _disposed;

    /// <summary>A pool of blocks of a heap.</summary>
    /// <param name="heap">Where they come from; stays the caller's to dispose of.</param>
    /// <param name="options">How it behaves; null for the defaults.</param>
    /// <exception cref="ArgumentException">The alignment is no power of two, or more than the heap has room for.</exception>
    public NativeMemoryPool(NativeHeap heap, NativeMemoryPoolOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(heap);
        _options = options ?? new NativeMemoryPoolOptions();
        ArgumentNullException.ThrowIfNull(_options.Name, nameof(options));
        ArgumentNullException.ThrowIfNull(_options.TimeProvider, nameof(options));
        if ((_options.Alignment & (_options.Alignment - 1)) != 0 || _options.Alignment > heap.Reserved)
        {
            throw new ArgumentException($"An alignment of {_options.Alignment} cannot be had: a power of two that the heap has room for, or 0, can.", nameof(options));
        }

        _heap = heap;
        MaxBufferSize = (int)Math.Min(int.MaxValue, heap.Reserved / (nuint)sizeof(T));
        _stacks = _options.TrackLeaks ? new AuditStacks() : null;
        _noteLeak = _options.TrackLeaks || _options.ReclaimLost ? NoteLeak : null;
        _owners = _options.RecycleOwners ? OwnerCache() : null;
        MemoryMetrics.Pools.Add(this, out _metered);
    }

    /// <summary>The pool's name.</summary>
    public string Name => _options.Name;

    /// <summary>The most elements that can be asked for: as many as the heap's address space could hold, but no more than an
    /// <see cref="int"/> can say.</summary>
    public override int MaxBufferSize { get; }

    /// <summary>Memory from the heap, which is the caller's until he disposes of its owner. O(1), as
    /// <see cref="NativeHeap.Allocate"/>.</summary>
    /// <param name="minBufferSize">The fewest elements that will do; there may be more, up to the end of the block, and there is at least
    /// one: some ask for 0 and write. -1: as many as make 4 KiB.</param>
    /// <returns>The owner. The memory is not zeroed, and aligned as <see cref="NativeHeap.Allocate"/> says, or as
    /// <see cref="NativeMemoryPoolOptions.Alignment"/> does.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Less than -1, or more than <see cref="MaxBufferSize"/>.</exception>
    /// <exception cref="OutOfMemoryException">The heap has no room; nothing has changed.</exception>
    /// <exception cref="ObjectDisposedException">The pool has been disposed of, or the heap.</exception>
    public override IMemoryOwner<T> Rent(int minBufferSize = -1)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ObjectDisposedException.ThrowIf(_heap.IsDisposed, _heap);
        if ((uint)minBufferSize > (uint)MaxBufferSize)
        {
            minBufferSize = minBufferSize == -1 ? Math.Min(s_defaultLength, MaxBufferSize) : throw TooLong(minBufferSize);
        }

        PoolThread mine = _threads.Mine();
        nuint size = (nuint)Math.Max(minBufferSize, 1) * (nuint)sizeof(T);
        void* block = _options.Alignment == 0 ? _heap.Allocate(size) : _heap.AllocateAligned(size, _options.Alignment);
        PooledMemory<T> owner;
        try
        {
            owner = _owners is null ? new PooledMemory<T>(_heap, this) : _owners.Rent();
            int length = (int)Math.Min(int.MaxValue, _heap.GetSize(block) / (nuint)sizeof(T));
            owner.Begin(block, length, NewWitness(owner, length));
        }
        catch
        {
            _heap.Free(block);
            throw;
        }

        mine.CountRent();
        return owner;
    }

    private ArgumentOutOfRangeException TooLong(int minBufferSize) => new(nameof(minBufferSize), minBufferSize,
        $"Pool '{Name}' rents at most {MaxBufferSize} elements at a time, and -1 for as many as it likes.");

    /// <summary>What the pool has done. O(threads that have used it).</summary>
    /// <returns>The figures; also after the pool has been disposed of.</returns>
    public NativeMemoryPoolStatistics GetStatistics()
    {
        (long rents, long returns) = _threads.Count();
        return new NativeMemoryPoolStatistics
        {
            Rents = rents,
            Outstanding = rents - returns,
            Leaks = Interlocked.Read(ref _leaks),
            Reclaimed = Interlocked.Read(ref _reclaimed),
            StrayDisposals = Interlocked.Read(ref _doubleDisposals),
        };
    }

    /// <summary>Ends renting. Idempotent. What is out stays valid until it is disposed of; see the remarks on the class.</summary>
    protected override void Dispose(bool disposing)
    {
        if (!disposing || Interlocked.Exchange(ref _ended, 1) != 0)
        {
            return;
        }

        _disposed = true;
        MemoryMetrics.Pools.Remove(_metered);
        _owners?.Dispose();
    }
}
