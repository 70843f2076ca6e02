using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Vmem.Checks;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

/// <summary>Allocates from a context in isolation; disposing of it frees all it ever allocated (libvmma's client).</summary>
/// <remarks>
/// <para>
/// A request is rounded up to a power of two and met, in this order, from the blocks that were freed lately (<see cref="BlockCaches"/>),
/// from the client's regions (<see cref="ClientRegions"/>, each with a buddy tree), from a new region, and at last from what other clients
/// of the context hold without need. It fails only if all of that holds no place, or if it would pass the quota. A request of more than
/// half of <see cref="MemoryContext.BlockSize"/> gets a region of its own.
/// </para>
/// <para>
/// A free is checked before anything is changed (<see cref="BlockFinder"/>): the context's map says whether a block starts there, and of
/// which order, and its table whose the memory is. What the features promise of a block's bytes is kept by <see cref="BlockContents"/>.
/// </para>
/// <para>
/// Where a context has no features that concern single blocks, allocating and freeing takes the short way, at the top of
/// <see cref="TryAllocate"/> and <see cref="Free(void*)"/>; all else goes through <c>AllocateAny</c> and <c>FreeAny</c>.
/// </para>
/// <para>Thread safety: with <see cref="MemoryContextFeatures.Synchronized"/> any thread may call anything; else one thread at a time may
/// use a context and its clients.</para>
/// </remarks>
[DebuggerDisplay("{Name,nq}: {InUse} bytes in use, {TotalSize} held, quota {Quota}")]
public sealed unsafe partial class MemoryClient : IDisposable
{
    private readonly bool _isSynchronized;
    private readonly int _unitShift;
    private readonly int _granuleUnitShift;
    private readonly nuint _unitMask;
    private readonly nuint _start;                // the context's, as the next two
    private readonly BlockMap _blocks;
    private readonly Region?[] _granules;
    private FreeBlocks _free;
    private int _shortOrders;                     // orders below go the short way; 0 if every block needs more than memory, or the lock
    private int _lockedOrders;                    // orders below go the short way under the lock
    private nuint _limit;                         // of _inUse, which is above it if the quota has become less; 0 once disposed of
    private nuint _inUse;
    private nuint _peakInUse;
    private long _allocations;
    private ulong _requestedEver;                 // in bytes, of all allocations
    private ulong _freedEver;                     // in bytes, rounding included

    private readonly ContextMap _map;
    private readonly ClientAudit? _audit;
    private readonly BlockFinder _finder;
    private readonly BlockContents _contents;
    private ArenaLock _lock;
    private long _failures;
    private long _grownEver;                      // in bytes, of blocks resized where they lay; negative if they shrank
    private long _leaked;                         // blocks that went all at once, at last with the client
    private nuint _quota;
    private int _ending;
    private bool _disposed;

    internal MemoryClient(MemoryContext context, string name, nuint quota, ulong serial, ClientTables tables, MemoryClient? parent)
    {
        Context = context;
        Name = name;
        Parent = parent;
        _quota = quota;
        Serial = serial;
        _limit = quota == 0 ? nuint.MaxValue : quota;
        _map = context.Map;
        _unitShift = _map.Geometry.UnitShift;
        _granuleUnitShift = _map.Geometry.GranuleUnitShift;
        _unitMask = _map.Geometry.Unit - 1;
        _start = _map.Start;
        _blocks = _map.Blocks;
        _granules = _map.Granules;
        _finder = new BlockFinder(this, _map);
        _contents = new BlockContents(name, _map, context.Features);
        _callbacks = new CallbackContext(context.CallbackRefused);
        _audit = context.Stacks is { } stacks ? new ClientAudit(stacks, context.Time) : null;
        Tables = tables;
        _free = new FreeBlocks(this, _map, tables);
        _isSynchronized = (context.Features & MemoryContextFeatures.Synchronized) != 0;
        int plainOrders = (context.Features & BlockContents.PerBlock) == 0 ? _free.Caches.Orders : 0;
        (_shortOrders, _lockedOrders) = _isSynchronized ? (0, plainOrders) : (plainOrders, 0);
    }

    /// <summary>The client's name, as it is in messages and statistics.</summary>
    public string Name { get; }

    /// <summary>The most bytes that its blocks may take, their rounding included; 0: no such limit. If it becomes less than what is in use,
    /// nothing is taken away: the client is refused until it uses less. O(1).</summary>
    /// <exception cref="ObjectDisposedException">It is set of a client that has been disposed of.</exception>
    public nuint Quota
    {
        get => _quota;
        set
        {
            using ArenaLock.Scope held = Enter();
            ObjectDisposedException.ThrowIf(_disposed, this);
            _quota = value;
            _limit = value == 0 ? nuint.MaxValue : value;
        }
    }

    /// <summary>The bytes of its live blocks, their rounding included.</summary>
    public nuint InUse => _inUse;

    /// <summary>The bytes of its regions (libvmma: vmma_get_total_size).</summary>
    public nuint TotalSize => _free.Regions.TotalSize;

    /// <summary>Has it been disposed of?</summary>
    public bool IsDisposed => _disposed;

    /// <summary>The context it allocates from. Not public: who is handed a client must not get at others by it.</summary>
    internal MemoryContext Context { get; }

    /// <summary>Who allocated its blocks, if that is kept; under its lock.</summary>
    internal ClientAudit? Audit => _audit;

    /// <summary>Distinguishes the client from every other that its context ever had.</summary>
    internal ulong Serial { get; }

    /// <summary>Null once it is off the context's list: they are another client's then. Changes under the context's gate.</summary>
    internal ClientTables? Tables { get; set; }

    /// <summary>
    /// Frees everything that the client ever allocated (libvmma: vmma_delete_client): O(regions), however many blocks there are. With
    /// <see cref="MemoryContextFeatures.ZeroOnFree"/> the regions are zeroed too. Disposing of it again does nothing.
    /// </summary>
    /// <exception cref="Exception">What a cleanup threw, when all else was done (<see cref="RegisterCleanup"/>).</exception>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _ending, 1) != 0)
        {
            return;
        }

        ExceptionDispatchInfo? failure = null;
        do
        {
            CleanUp(mark: 0, ref failure);
        }
        while (!TryEnd());                        // more was registered meanwhile
        Context.Forget(this);
        if (_asChild is not null)
        {
            Parent!.Unregister(_asChild);
        }

        failure?.Throw();
    }

    /// <summary>Gives everything back, unless something is to be done before.</summary>
    private bool TryEnd()
    {
        using (Enter())
        {
            if (_checkpoints.HasCleanups(0))
            {
                return false;
            }

            _disposed = true;
            _limit = 0;
            _shortOrders = _lockedOrders = 0;
            _leaked += _free.Regions.CountLive();
            _freedEver += _inUse - _childrenHeld;
            _inUse = _childrenHeld;               // of clients that are ending at this moment
            _callbacks.Close();
            _audit?.Clear();
            _free.ReturnAll(zeroed: (Context.Features & MemoryContextFeatures.ZeroOnFree) != 0);
        }

        return true;
    }

    /// <summary>Gives back what the client holds without need, cached blocks and empty regions. O(cached blocks + regions).</summary>
    /// <returns>How many bytes came back to the context.</returns>
    /// <exception cref="ObjectDisposedException">The client has been disposed of.</exception>
    public nuint Trim()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return GiveBackReserve();
    }

    /// <summary>The same, and nothing if it has been disposed of.</summary>
    internal nuint GiveBackReserve()
    {
        using ArenaLock.Scope held = Enter();
        return _free.GiveBackReserve();
    }

    /// <summary>Debug builds: throws unless this thread may change the client.</summary>
    [Conditional("DEBUG")]
    internal void AssertEntered()
    {
        if (_isSynchronized)
        {
            _lock.AssertHeld();
        }
    }

    /// <summary>How many bytes the quota still allows.</summary>
    private nuint Room => _inUse < _limit ? _limit - _inUse : 0;

    /// <summary>Enters the lock, if the client has one, until the result is disposed of.</summary>
    private ArenaLock.Scope Enter() => _isSynchronized ? _lock.EnterScope() : default;

    /// <summary>The region that a unit is in, if a client holds it. The unit must exist.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Region? RegionAt(nuint unit) => Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_granules), unit >> _granuleUnitShift);
}
