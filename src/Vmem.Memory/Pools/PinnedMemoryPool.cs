using System.Buffers;
using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Diagnostics;
using Vmem.Memory.Diagnostics;
using Vmem.Memory.Pools;

namespace Vmem.Memory;

/// <summary>Pinned managed memory as a <see cref="MemoryPool{T}"/>, with a limit, that gives back what nobody needs: for Kestrel's own
/// transport, and for all code that wants arrays (<see cref="System.Runtime.InteropServices.MemoryMarshal.TryGetArray{T}"/>).</summary>
/// <remarks>
/// <para>
/// The memory is that of pinned arrays, the <em>slabs</em>, which an arena deals out in blocks of 4 KiB. A rental of at most 64 KiB comes
/// from its thread's magazine. Threads exchange full magazines. A longer one is cut from a slab, or has one of its own.
/// </para>
/// <para>
/// <b>Going back.</b> Pages that nobody rents are discarded within <see cref="PinnedMemoryPoolOptions.RetainedInterval"/>, inside a slab
/// that is in use elsewhere, too. Slabs that are wholly free are dropped, but for one, and their memory goes back before the collector
/// comes for the array. Pages can be discarded on Linux only; elsewhere memory goes back by whole slabs, when the collector has them.
/// </para>
/// <para>
/// <b>Mistakes.</b> Each rental has an owner of its own, unless <see cref="PinnedMemoryPoolOptions.RecycleOwners"/> is set: to dispose of
/// it twice does nothing, and is counted. A <see cref="Memory{T}"/> that is kept longer than its owner shows the next renter's bytes, as
/// with every pool of arrays. Pins do not delay the end of a rental.
/// </para>
/// <para>
/// <b>Ends.</b> A pool that is disposed of rents no more; what is out stays valid until it is disposed of. All members may be called by
/// any thread at any time.
/// </para>
/// <para>
/// Rejected: native memory under <see cref="MemoryManager{T}"/>. Kestrel's transport sends several blocks as a list of array segments, and
/// aborts the connection if one is none. Rejected: a stack of 4 KiB arrays, as aspnetcore has it. An array that is free cannot give its
/// memory back before a collection of generation 2, and whoever asks for more than 4 KiB gets garbage.
/// </para>
/// </remarks>
/// <typeparam name="T">The elements' type.</typeparam>
[DebuggerDisplay("{Name,nq}: from {_arena}")]
public sealed unsafe partial class PinnedMemoryPool<T> : MemoryPool<T>
    where T : unmanaged
{
    private const nuint BlockBytes = 4096;        // what Kestrel and pipelines ask for
    private const nuint CachedBlocks = 16;        // 64 KiB: longer rentals are rare, and cost more to fill than to find
    private const nuint LeastSlab = 1 << 18;      // what the arena's caches cut up at a time, at least
    private const nuint MostSlab = 1 << 30;

    private static readonly nuint s_block = Math.Max(1, BitOperations.RoundUpToPowerOf2((BlockBytes / (nuint)sizeof(T)) + 1) / 2);

    private static readonly nuint s_blockBytes = s_block * (nuint)sizeof(T);

    private readonly PinnedMemoryPoolOptions _options;
    private readonly PinnedSlabs<T> _slabs;
    private readonly Arena<nuint> _arena;         // of blocks
    private readonly PoolThreads _threads = new();
    private readonly AuditStacks? _stacks;        // null: leaks are not tracked
    private readonly MeteredEntry _metered;
    private readonly int _stagger;                // elements at the end of a rental that are not used
    private readonly bool _recyclesOwners;
    private volatile bool _disposed;
    private int _ended;
    private long _failures;
    private long _leaks;
    private long _doubleDisposals;

    /// <summary>A pool that holds nothing yet.</summary>
    /// <param name="options">How it behaves; null for the defaults.</param>
    /// <exception cref="ArgumentException">The size of a slab is no power of two from 256 KiB to 1 GiB, the interval is none, the stagger
    /// is a block or more, or an element is longer than a slab.</exception>
    public PinnedMemoryPool(PinnedMemoryPoolOptions? options = null)
    {
        _options = options ?? new PinnedMemoryPoolOptions();
        nuint slab = BitOperations.RoundUpToPowerOf2((CheckOptions(_options) / s_blockBytes) + 1) / 2;
        nuint limit = _options.Limit == 0 ? 0 : nuint.Max(slab, _options.Limit / s_blockBytes & ~(slab - 1));
        nuint most = ((nuint)Array.MaxLength - PinnedSlab<T>.Slack) / s_block & ~(slab - 1);
        _stagger = (int)(_options.Stagger / (nuint)sizeof(T));
        MaxBufferSize = (int)((limit == 0 ? most : nuint.Min(limit, most)) * s_block) - _stagger;
        _slabs = new PinnedSlabs<T>(slab, s_block);
        _arena = new Arena<nuint>(_options.Name, quantum: 1, new ArenaOptions<nuint>
        {
            Source = _slabs,
            SharesSource = false,
            MinImport = slab,
            QuantumCacheMax = nuint.Min(CachedBlocks, slab / 16),
            Limit = limit,
            Audit = _options.Audit,
            TrustCaller = true,                   // an owner gives its range back once
            TimeProvider = _options.TimeProvider,
        });
        _stacks = _options.TrackLeaks ? new AuditStacks() : null;
        _recyclesOwners = _options is { RecycleOwners: true, TrackLeaks: false, Audit: false };
        _upkeep = StartUpkeep();
        _slabs.Imported = () => _upkeep?.Wake();
        MemoryMetrics.Pools.Add(this, out _metered);
    }

    /// <summary>The pool's name.</summary>
    public string Name => _options.Name;

    /// <summary>The most elements that can be asked for: what the limit allows, or some less than the longest array has.</summary>
    public override int MaxBufferSize { get; }

    /// <summary>Memory of a pinned array, which is the caller's until he disposes of its owner. O(1) up to 64 KiB.</summary>
    /// <param name="minBufferSize">The fewest elements that will do; rounded up to whole blocks of 4 KiB, less what
    /// <see cref="PinnedMemoryPoolOptions.Stagger"/> leaves unused. -1 and 0: one block.</param>
    /// <returns>The owner. The memory is not zeroed. It begins at a page, if a page holds a whole number of elements and they are at most
    /// 8 bytes long.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Less than -1, or more than <see cref="MaxBufferSize"/>.</exception>
    /// <exception cref="OutOfMemoryException">There is no room within the limit, or in the runtime's memory; nothing has
    /// changed.</exception>
    /// <exception cref="ObjectDisposedException">The pool has been disposed of.</exception>
    public override IMemoryOwner<T> Rent(int minBufferSize = -1)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if ((uint)minBufferSize > (uint)MaxBufferSize && minBufferSize != -1)
        {
            throw TooLong(minBufferSize);
        }

        PoolThread mine = _threads.Mine();
        nuint size = ((nuint)(Math.Max(minBufferSize, 1) + _stagger) + s_block - 1) / s_block;
        if (!_arena.TryAllocate(size, out nuint start))
        {
            start = RentSlowly(size);
        }

        PinnedSlab<T>? slab = _slabs.TryOf(start);
        PinnedMemory<T>? owner = _recyclesOwners && size == 1 ? slab?.Owners.Of((int)(start - slab.Start)) : null;
        if (owner is null)
        {
            owner = NewOwner(slab, start, size);
        }
        else
        {
            owner.Restart();
        }

        owner.Slab.NoteUse(start, size);
        mine.CountRent(size);
        return owner;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ArgumentOutOfRangeException TooLong(int minBufferSize) => new(nameof(minBufferSize), minBufferSize,
        $"Pool '{Name}' rents at most {MaxBufferSize} elements at a time, and -1 for as many as it likes.");

    /// <summary>An owner of what was taken from the arena, which goes back if there can be none.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private PinnedMemory<T> NewOwner(PinnedSlab<T>? slab, nuint start, nuint size)
    {
        try
        {
            ObjectDisposedException.ThrowIf(slab is null, this);
            PinnedMemory<T> owner = new(this, slab, start, size, (int)(size * s_block) - _stagger);
            owner.Witness = _stacks is null ? null : NewWitness(owner);
            if (_recyclesOwners && size == 1)
            {
                slab.Owners.Keep((int)(start - slab.Start), owner);
            }

            return owner;
        }
        catch
        {
            if (!_disposed)
            {
                _arena.Free(start, size);
            }

            throw;
        }
    }

    /// <summary>What the pool holds and has done. O(threads that have used it, and blocks of 4 KiB).</summary>
    /// <returns>The figures; also after the pool has been disposed of.</returns>
    public PinnedMemoryPoolStatistics GetStatistics()
    {
        (long rents, long returns) = _threads.Count();
        ArenaStatistics<nuint> arena = GetArenaStatistics();
        nuint touched = _slabs.Copy().Aggregate((nuint)0, static (sum, slab) => sum + slab.Touched);
        return new PinnedMemoryPoolStatistics
        {
            Rents = rents,
            Outstanding = rents - returns,
            Failures = Interlocked.Read(ref _failures),
            Leaks = Interlocked.Read(ref _leaks),
            StrayDisposals = Interlocked.Read(ref _doubleDisposals),
            Held = arena.TotalSize * s_blockBytes,
            InUse = arena.InUse * s_blockBytes,
            Dirty = (touched - nuint.Min(touched, arena.InUse)) * s_blockBytes,
            Trimmed = _slabs.Trimmed,
            Allocated = _slabs.Made * (long)s_blockBytes,
            Rented = _threads.CountUnits() * (long)s_blockBytes,
        };
    }

    /// <summary>None once the pool has ended: whether it has, only the arena can say, as the pool may end at any moment.</summary>
    private ArenaStatistics<nuint> GetArenaStatistics()
    {
        try
        {
            return _arena.GetStatistics();
        }
        catch (ObjectDisposedException)
        {
            return default;
        }
    }

    /// <summary>Who rented what is out, grouped by the stacks: the most memory first. Sizes are in blocks of
    /// 4 KiB. O(rentals that are
    /// out).</summary>
    /// <returns>The report.</returns>
    /// <exception cref="InvalidOperationException">The pool keeps no audit (<see cref="PinnedMemoryPoolOptions.Audit"/>).</exception>
    /// <exception cref="ObjectDisposedException">The pool has been disposed of.</exception>
    public AuditReport<nuint> GetAuditReport() => _arena.GetAuditReport();

    /// <summary>Checks every invariant of the arena below. O(n); for tests.</summary>
    /// <exception cref="InvariantViolationException">One is broken; it is named.</exception>
    public void Validate() => _arena.Validate();

    /// <summary>Ends renting. Idempotent. What is out stays valid until it is disposed of.</summary>
    protected override void Dispose(bool disposing)
    {
        if (!disposing || Interlocked.Exchange(ref _ended, 1) != 0)
        {
            return;
        }

        _disposed = true;
        MemoryMetrics.Pools.Remove(_metered);
        _upkeep?.Dispose();
        _slabs.End();
        _arena.Dispose();
    }

    private static nuint CheckOptions(PinnedMemoryPoolOptions options)
    {
        ArgumentNullException.ThrowIfNull(options.Name, nameof(options));
        ArgumentNullException.ThrowIfNull(options.TimeProvider, nameof(options));
        nuint least = nuint.Max(LeastSlab, (nuint)sizeof(T) * CachedBlocks);
        if (!nuint.IsPow2(options.SlabSize) || options.SlabSize < least || options.SlabSize > MostSlab)
        {
            throw new ArgumentException($"A slab of {options.SlabSize} bytes cannot be had: a power of two from 256 KiB to 1 GiB that holds 16 elements can.", nameof(options));
        }

        if (options.Stagger >= s_blockBytes || options.Stagger % (nuint)sizeof(T) != 0)
        {
            throw new ArgumentException($"A stagger of {options.Stagger} bytes cannot be had: less than {s_blockBytes}, in whole elements of {sizeof(T)}.", nameof(options));
        }

        if (options.RetainedInterval != Timeout.InfiniteTimeSpan
            && (options.RetainedInterval <= TimeSpan.Zero || TurnOf(options.RetainedInterval).TotalMilliseconds > uint.MaxValue - 1))
        {
            throw new ArgumentException($"An interval of {options.RetainedInterval} is none: one above 0 and of at most 198 days is, or Timeout.InfiniteTimeSpan.", nameof(options));
        }

        return options.SlabSize;
    }
}
