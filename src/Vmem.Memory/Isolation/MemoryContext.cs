using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using System.Runtime.ExceptionServices;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

/// <summary>One block of memory that is dealt out to isolated clients (libvmma's context).</summary>
/// <remarks>
/// <para>
/// <b>Why.</b> A host runs other people's work: scripts, plug-ins, queries, requests. Whatever such a piece of work allocates and forgets
/// must not be the host's loss, what it reads must not be another's, and how much it takes must have an end. So each gets a
/// <see cref="MemoryClient"/>, and with the client goes, at once, all it ever allocated.
/// </para>
/// <para>
/// <b>How.</b> The context is an <see cref="Arena{T}"/> over its block. A client takes regions from it, some granules
/// (<see cref="MemoryContextOptions.BlockSize"/>) each, and divides every region by a buddy system of its own. Regions of one client need
/// not be neighbours. A table with one entry for each granule says which region it is in, and thereby whose, and a map with one byte for
/// each unit where blocks start. Deleting a client means to give its regions back to the arena and to wipe their entries in the table,
/// whatever is in them: the map is wiped when somebody else gets the memory.
/// </para>
/// <para>
/// <b>All bookkeeping lies outside the block</b>. Memory that clients write to holds nothing that the context believes.
/// </para>
/// <para>
/// <b>Locking</b>, with <see cref="MemoryContextFeatures.Synchronized"/>: a lock for each client, and one, the gate, for what they share
/// (the arena, the table of granules, the list of clients). The gate is the innermost: a client that grows holds its own lock, and those
/// of the clients that it is within, from the inside out, and takes the gate. Nobody takes a client's lock while holding one from further
/// out, another family's, or the gate.
/// </para>
/// </remarks>
[DebuggerDisplay("{Name,nq}: {Size} bytes, {_clients.Count} clients")]
public sealed unsafe partial class MemoryContext : IDisposable
{
    private readonly ContextBlock _block;
    private readonly Arena<nuint> _arena;         // offsets from the start
    private readonly ContextMap _map;
    private readonly RegionPool _pool;
    private readonly ContextPages _pages;
    private readonly ContextUpkeep _upkeep;
    private readonly MeteredEntry _metered;
    private readonly byte[] _cacheCapacities;
    private readonly Stack<ClientTables> _tables = new();          // of clients that are gone
    private readonly Gate _gate = new();
    private readonly LinkedList<MemoryClient> _clients = [];       // in the order of their creation
    private nuint _size;
    private ulong _clientsCreated;
    private long _clientsDeleted;
    private bool _disposed;
    private bool _isReleased;

    /// <summary>Deals out a block of the caller's, who keeps it alive as long as the context and gets it back as the clients left it.
    /// O(size / BlockSize).</summary>
    /// <param name="block">Where it starts. What alignment costs at its ends is not used.</param>
    /// <param name="size">In bytes.</param>
    /// <param name="options">Features and sizes; null for the defaults.</param>
    /// <exception cref="ArgumentException">The options contradict each other, or the block holds not one aligned
    /// <see cref="MemoryContextOptions.BlockSize"/>.</exception>
    public MemoryContext(void* block, nuint size, MemoryContextOptions? options = null)
        : this(Fixed(options), ContextBlock.Borrow(block, size))
    {
    }

    /// <summary>Deals out a block of its own, zeroed, which it gives back when disposed of. Memory is taken from the system as clients
    /// touch it; what clients get counts in the <see cref="MemoryBudget"/>, and goes back when no client holds it and none came or went
    /// for half a minute, or when memory is short (not on Windows, and not with a <see cref="MemoryContextOptions.BlockSize"/> below a
    /// page: then the whole block counts from the beginning). O(size / BlockSize).</summary>
    /// <param name="size">In bytes; rounded up to <see cref="MemoryContextOptions.BlockSize"/>.</param>
    /// <param name="options">Features and sizes; null for the defaults.</param>
    /// <exception cref="ArgumentException">The options contradict each other, or the size is 0.</exception>
    /// <exception cref="OutOfMemoryException">The system has no such block.</exception>
    public MemoryContext(nuint size, MemoryContextOptions? options = null)
        : this(Checked(options), ContextBlock.Own(size, new ContextGeometry(Checked(options)).Granule, options?.MaxSize ?? 0))
    {
    }

    /// <summary>Deals out a view of a memory-mapped file: blocks may be more than there is memory, and other processes may read them. What
    /// is in use is not recorded in the file. The view stays the caller's, to be disposed of after the context.</summary>
    /// <param name="view">A view to read and write.</param>
    /// <param name="options">Features and sizes; null for the defaults.</param>
    /// <exception cref="ArgumentException">The options contradict each other, or the view cannot be written or is too small.</exception>
    public MemoryContext(MemoryMappedViewAccessor view, MemoryContextOptions? options = null)
        : this(Fixed(options), ContextBlock.Map(view))
    {
    }

    /// <summary>Options come first: once there is a block, it must be released.</summary>
    private MemoryContext(MemoryContextOptions options, ContextBlock block)
    {
        _block = block;
        try
        {
            var geometry = new ContextGeometry(options);
            nuint start = geometry.RoundUpToGranules((nuint)block.Start);
            nuint lost = start - (nuint)block.Start;
            nuint size = lost < block.Size ? (block.Size - lost) & ~(geometry.Granule - 1) : 0;
            if (size == 0)
            {
                throw new ArgumentException(
                    $"The block of {block.Size} bytes at 0x{(nuint)block.Start:x} holds no aligned piece of {geometry.Granule} bytes. Give more, or choose a smaller BlockSize.", nameof(block));
            }

            Name = options.Name;
            Features = options.Features;
            Stacks = Features.HasFlag(MemoryContextFeatures.Audit) ? new AuditStacks() : null;
            Time = options.TimeProvider;
            CallbackRefused = options.CallbackRefused;
            _arena = new Arena<nuint>(options.Name, 0, size, geometry.Granule, new ArenaOptions<nuint> { SingleThreaded = true });
            _size = size;
            _map = new ContextMap(start, block.Most - lost & ~(geometry.Granule - 1), geometry);
            _cacheCapacities = BlockCaches.CapacitiesFor(geometry);
            _pool = new RegionPool(geometry, Features.HasFlag(MemoryContextFeatures.GuardBytes));
            _pages = new ContextPages(block, _map, MemoryBudget.Default);
            _upkeep = new ContextUpkeep(_gate, _pages, _arena);
            MemoryMetrics.Contexts.Add(this, out _metered);
        }
        catch
        {
            _arena?.Dispose();
            block.Release();
            _pages?.End();
            throw;
        }
    }

    /// <summary>Every feature that this build has (libvmma: vmma_get_supported_flags). All are on all platforms.</summary>
    public static MemoryContextFeatures SupportedFeatures =>
        MemoryContextFeatures.ZeroOnAllocate | MemoryContextFeatures.ZeroOnFree | MemoryContextFeatures.PoisonOnFree |
        MemoryContextFeatures.GuardBytes | MemoryContextFeatures.Synchronized | MemoryContextFeatures.ZeroOnHandOver |
        MemoryContextFeatures.Audit;

    /// <summary>The context's name.</summary>
    public string Name { get; }

    /// <summary>The features that this context was given (libvmma: vmma_get_accepted_flags): all that were asked for, as what is not
    /// supported is refused at construction.</summary>
    public MemoryContextFeatures Features { get; }

    /// <summary>The stacks of its clients' audits; null without any.</summary>
    internal AuditStacks? Stacks { get; }

    /// <summary>What tells audits the time.</summary>
    internal TimeProvider Time { get; }

    /// <summary>Where the memory that clients can be given starts: the block's start, rounded up to <see cref="BlockSize"/>.</summary>
    public void* Start => (void*)_map.Start;

    /// <summary>How much clients can be given now, in bytes: a multiple of <see cref="BlockSize"/>.</summary>
    public nuint Size => _size;

    /// <summary>How much clients can ever be given: more than <see cref="Size"/> if the context can grow
    /// (<see cref="MemoryContextOptions.MaxSize"/>).</summary>
    public nuint MaxSize => _map.Size;

    /// <summary>Every block starts at a multiple of this many bytes, and is at least as long.</summary>
    public nuint Alignment => _map.Geometry.Unit;

    /// <summary>Clients get, and give back, multiples of this many bytes.</summary>
    public nuint BlockSize => _map.Geometry.Granule;

    internal ContextMap Map => _map;

    /// <inheritdoc cref="ContextPages.Refusals"/>
    internal int Refusals => _pages.Refusals;

    internal Action<Exception>? CallbackRefused { get; }

    /// <summary>A new client, empty: it takes nothing from the context until it allocates. O(1).</summary>
    /// <param name="name">For messages and statistics; need not be unique.</param>
    /// <param name="quota">The most bytes that its blocks may take together, their rounding included; 0: no such limit.</param>
    /// <exception cref="ObjectDisposedException">The context has been disposed of.</exception>
    public MemoryClient CreateClient(string name, nuint quota = 0) => CreateClient(name, quota, parent: null);

    internal MemoryClient CreateClient(string name, nuint quota, MemoryClient? parent)
    {
        ArgumentNullException.ThrowIfNull(name);
        using (_gate.EnterScope())
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _ = _tables.EnsureCapacity(_tables.Count + _clients.Count + 1);       // so that deleting a client needs no memory
            ClientTables tables = _tables.TryPop(out ClientTables? spare) ? spare : new ClientTables(_cacheCapacities);
            var client = new MemoryClient(this, name, quota, serial: ++_clientsCreated, tables, parent);
            tables.Node.Value = client;
            _clients.AddLast(tables.Node);
            return client;
        }
    }

    /// <summary>Disposes of all clients, and gives the block back if it is the context's own. O(regions). Where a client is being disposed
    /// of already, by another thread or by who calls this from a cleanup, the block goes with the last of these.</summary>
    /// <exception cref="Exception">What a client's cleanup threw, when all else was done (<see cref="MemoryClient.RegisterCleanup"/>); of
    /// several, the first.</exception>
    public void Dispose()
    {
        using (_gate.EnterScope())
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
        }

        MemoryMetrics.Contexts.Remove(_metered);
        ExceptionDispatchInfo? failure = null;
        for (MemoryClient? client = FirstClient(), next; client is not null; client = next)
        {
            try
            {
                client.Dispose();
            }
            catch (Exception e)
            {
                failure ??= ExceptionDispatchInfo.Capture(e);
            }

            next = ClientAfter(client);
        }

        ReleaseIfLast();
        failure?.Throw();
    }

    /// <summary>Gives the block back once the context has ended, and its clients.</summary>
    private void ReleaseIfLast()
    {
        using (_gate.EnterScope())
        {
            if (!_disposed || _clients.Count > 0 || _isReleased)
            {
                return;
            }

            _isReleased = true;
            _upkeep.Stop();
        }

        _upkeep.Dispose();
        _arena.Dispose();
        _block.Release();
        _pages.End();
    }

    private static MemoryContextOptions Fixed(MemoryContextOptions? options) => Checked(options) is { MaxSize: 0 } right ? right
        : throw new ArgumentException($"A context over a block that is not its own cannot grow: leave {nameof(MemoryContextOptions.MaxSize)} 0.", nameof(options));

    private static MemoryContextOptions Checked(MemoryContextOptions? options)
    {
        options ??= new MemoryContextOptions();
        MemoryContextFeatures unknown = options.Features & ~SupportedFeatures;
        if (unknown != 0)
        {
            throw new ArgumentException($"There is no feature 0x{(int)unknown:x}; supported are {SupportedFeatures}.", nameof(options));
        }

        const MemoryContextFeatures Both = MemoryContextFeatures.ZeroOnFree | MemoryContextFeatures.PoisonOnFree;
        if ((options.Features & Both) == Both)
        {
            throw new ArgumentException("ZeroOnFree and PoisonOnFree cannot both be had: free memory holds zeros or poison.", nameof(options));
        }

        ArgumentNullException.ThrowIfNull(options.Name, nameof(options));
        ArgumentNullException.ThrowIfNull(options.TimeProvider, nameof(options));
        return options;
    }
}
