using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Checks;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

/// <summary>Allocates from a context in isolation; disposing of it frees all it ever allocated (libvmma's client).</summary>
/// <remarks>
/// <para>
/// A request is rounded up to a power of two and met, in this order, from the blocks that were freed lately (<see cref="BlockCaches"/>), from
/// the client's regions (<see cref="RegionLists"/>, each with a buddy tree), from a new region, and at last from what other clients of
/// the context hold without need. It fails only if all of that holds no place, or if it would pass the quota. A request of more than half
/// of <see cref="MemoryContext.BlockSize"/> gets a region of its own.
/// </para>
/// <para>
/// A free is checked before anything is changed: the context's map says whether a block starts there, and of which order, and its table
/// whose the memory is.
/// </para>
/// <para>
/// Each region a client takes is as long as all those before it together, up to a sixteenth of the context: a client that fills a gigabyte
/// holds some hundreds of regions, and one that needs a kilobyte holds one granule. A region whose last block is freed goes back to the
/// context, except that one is kept, lest a client at the edge took and gave back a region with every call.
/// </para>
/// <para>
/// Where a context has no features that concern single blocks, allocating and freeing takes the short way, at the top of
/// <see cref="TryAllocate"/> and <see cref="Free(void*)"/>; all else goes through <c>AllocateAny</c> and <c>FreeAny</c>.
/// </para>
/// <para>Thread safety: with <see cref="MemoryContextFeatures.Synchronized"/> any thread may call anything; else one thread at a time may use
/// a context and its clients.</para>
/// </remarks>
public sealed unsafe partial class MemoryClient : IDisposable
{
    private const MemoryContextFeatures FeaturesPerBlock = MemoryContextFeatures.ZeroOnAllocate | MemoryContextFeatures.ZeroOnFree |
        MemoryContextFeatures.PoisonOnFree | MemoryContextFeatures.GuardBytes;

    private readonly bool _isSynchronized;
    private readonly int _unitShift;
    private readonly int _granuleUnitShift;
    private readonly nuint _unitMask;
    private readonly byte* _start;                // the context's, as the next two
    private readonly BlockMap _blocks;
    private readonly Region?[] _granules;
    private BlockCaches _caches;
    private int _shortOrders;                     // orders below go the short way; 0 if every block needs more than memory, or the lock
    private int _lockedOrders;                    // orders below go the short way under the lock
    private nuint _limit;                         // of _inUse; 0 once disposed of
    private nuint _inUse;
    private nuint _peakInUse;
    private long _allocations;
    private ulong _requestedEver;                 // in bytes, of all allocations
    private ulong _freedEver;                     // in bytes, rounding included
    private int _emptyRegions;                    // that are held though no live block is in them

    private readonly ContextGeometry _geometry;
    private readonly MemoryContextFeatures _features;
    private ArenaLock _lock;
    private RegionLists _regions;
    private readonly ClientTables _tables;        // another's once disposed of
    private nuint _totalSize;
    private nuint _dividedSize;                   // of _totalSize, what is not in large blocks
    private long _regionsTaken;
    private long _failures;
    private long _grownEver;                      // in bytes, of blocks resized where they lay; negative if they shrank
    private long _leaked;                         // blocks that went with the client
    private bool _disposed;

    internal MemoryClient(MemoryContext context, string name, nuint quota, ulong serial, ClientTables tables)
    {
        Context = context;
        Name = name;
        Quota = quota;
        Serial = serial;
        _limit = quota == 0 ? nuint.MaxValue : quota;
        _features = context.Features;
        _geometry = context.Geometry;
        _unitShift = _geometry.UnitShift;
        _granuleUnitShift = _geometry.GranuleUnitShift;
        _unitMask = _geometry.Unit - 1;
        _start = (byte*)context.Start;
        _blocks = context.Blocks;
        _granules = context.Granules;
        _tables = tables;
        _caches = tables.Caches;
        _regions = new RegionLists(tables.Lists);
        _isSynchronized = Has(MemoryContextFeatures.Synchronized);
        int plainOrders = (_features & FeaturesPerBlock) == 0 ? _caches.Orders : 0;
        (_shortOrders, _lockedOrders) = _isSynchronized ? (0, plainOrders) : (plainOrders, 0);
    }

    /// <summary>The client's name, as it is in messages and statistics.</summary>
    public string Name { get; }

    /// <summary>The context it allocates from.</summary>
    public MemoryContext Context { get; }

    /// <summary>The most bytes that its blocks may take, their rounding included; 0: no such limit.</summary>
    public nuint Quota { get; }

    /// <summary>The bytes of its live blocks, their rounding included.</summary>
    public nuint InUse => _inUse;

    /// <summary>The bytes of its regions (libvmma: vmma_get_total_size).</summary>
    public nuint TotalSize => _totalSize;

    /// <summary>Has it been disposed of?</summary>
    public bool IsDisposed => _disposed;

    /// <summary>Distinguishes the client from every other that its context ever had.</summary>
    internal ulong Serial { get; }

    internal MemoryClient? PreviousClient { get; set; }

    internal MemoryClient? NextClient { get; set; }

    /// <summary>
    /// Frees everything that the client ever allocated (libvmma: vmma_delete_client): O(regions), however many blocks there are. With
    /// <see cref="MemoryContextFeatures.ZeroOnFree"/> the regions are zeroed too. Disposing of it again does nothing.
    /// </summary>
    public void Dispose()
    {
        Enter();
        try
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            _limit = 0;
            _shortOrders = _lockedOrders = 0;
            _leaked = CountLive();
            _freedEver += _inUse;
            _inUse = 0;
            for (int order = 0; order < _caches.Orders; order++)
            {
                _caches.Clear(order);
            }

            while (_regions.First is { } region)
            {
                if (Has(MemoryContextFeatures.ZeroOnFree))
                {
                    NativeMemory.Clear(AddressOf(region.FirstUnit), region.Size);
                }

                ReturnRegion(region);
            }

            Invariant.Assert(_totalSize == 0 && _dividedSize == 0 && _emptyRegions == 0, "nothing is left of a client that is gone");
            _caches = BlockCaches.None;
        }
        finally
        {
            Exit();
        }

        Context.Forget(this, _tables);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Enter()
    {
        if (_isSynchronized)
        {
            _lock.Enter();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Exit()
    {
        if (_isSynchronized)
        {
            _lock.Exit();
        }
    }

    /// <summary>Debug builds: throws unless this thread may change the client.</summary>
    [Conditional("DEBUG")]
    private void AssertEntered()
    {
        if (_isSynchronized)
        {
            _lock.AssertHeld();
        }
    }

    private byte* AddressOf(nuint unit) => _start + (unit << _unitShift);

    private nuint UnitOf(nuint address) => (address - (nuint)_start) >> _unitShift;

    private bool Has(MemoryContextFeatures feature) => (_features & feature) != 0;
}
