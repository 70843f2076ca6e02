using System.Diagnostics;
using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Lifetimes;
using Vmem.Memory.Heap;
using Vmem.Memory.Heap.Debugging;
using Vmem.Memory.Window;

namespace Vmem.Memory;

/// <summary>Memory outside the garbage collector, by the malloc interface: "with a slab allocator, a malloc interface".</summary>
/// <remarks>
/// <para>
/// The layers, from the top. <b>Magazines</b> (Bonwick &amp; Adams 2001, §3): each thread keeps one for every class of sizes, and
/// allocating and freeing take from and put into it; a depot for each class takes what is too much, and fills up what has run out.
/// <b>Slabs</b>: pages cut into blocks of one class, without headers. <b>Pages</b>: an <see cref="Arena{T}"/> over the heap's address
/// space, from which large blocks come straight, and where they are resized in place. <b>The system</b>: <see cref="VirtualMemory"/>.
/// </para>
/// <para>
/// The class of a small block follows from its address: the heaps of a process share one window of address space, and a table has four
/// bytes for each 64 KiB of it, that heap's number and the class (<see cref="GranuleTable"/>). A second table has a byte that says
/// whether the block is a user's (<see cref="BlockStates"/>). So a free is three table look-ups and a push, touches neither the block nor
/// its slab, and is refused if it is wrong. A block freed by another thread than the one that
/// allocated it goes into the magazines of the thread that frees it, and by the batch through the depot back to who allocates. What the
/// depot holds is bounded; beyond that, blocks go to their slabs, at once and by the batch.
/// </para>
/// <para>
/// This class is the face: arguments, spans, and the paths that end in a magazine. All else is done by the layer below, a
/// <see cref="PlainHeap"/>. <b>Debugging</b> (<see cref="NativeHeapOptions.Debugging"/>) is one more layer between them: see
/// <see cref="HeapDebugger"/>. It costs a heap without it nothing.
/// </para>
/// <para>
/// <b>What it costs.</b> A heap that was made and not used yet is this object. Everything below is made with its first block. So there may
/// be a heap for each request or connection.
/// </para>
/// <para>
/// All members may be called by any thread at any time, but for <see cref="Dispose"/>: no other call may be under way then, nor any block
/// in use. Later calls are refused. A heap to which nobody refers any more, nor to a <see cref="Memory{T}"/>, pool or writer of it, is
/// disposed of some time after a collection: its blocks are gone then. A pointer or span alone does not keep it. Rejected: to keep the
/// memory of dropped heaps until the process ends, because pointers might be left. A server that drops a heap in an error path dies of it;
/// who keeps pointers can keep the heap.
/// </para>
/// </remarks>
[DebuggerDisplay("{Name,nq}: {Reserved} bytes reserved")]
public sealed unsafe partial class NativeHeap : IDisposable
{
    private static NativeHeap? s_shared;
    private static object? s_sharedGate;
    private static readonly NativeHeapOptions s_defaults = new();

    private ThreadTable<HeapMagazine[]> _threads = new();       // the plain heap's magazines by thread; no thread has any with debugging
    private readonly nuint _start;
    private readonly uint* _entries;              // of the window's table, by granule
    private readonly nuint _granules;
    private readonly byte* _states;               // the window's table of live blocks; null: frees are not checked
    private readonly nuint _bias;                 // what is added to a grain's number to find its byte there
    private uint _firstEntry;                     // the heap's entries are this and classes above it; 0, nobody's, where no address is
                                                  // the fast paths' business: before the first block, with debugging, after the end

    private readonly AddressWindow _window;
    private readonly NativeHeapOptions _options;
    private readonly MeteredEntry _metered;
    private readonly nuint _minimumAlignment;
    private readonly Gate _lifetime = new();      // what is below is made, and the heap ends, one after the other
    private HeapLayers? _layers;                  // null before the first block
    private TableKeeper? _keeper;                 // ends them if the heap is dropped
    private CallbackContext _callbacks;
    private SlowCalls _calls;
    private long _failures;
    private int _disposed;

    /// <summary>A heap of its own, independent of all others. O(1); takes no memory until it is used.</summary>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="ArgumentException">The minimum alignment is no power of two of at most 4,096, or the retained interval is zero or
    /// negative.</exception>
    /// <exception cref="OutOfMemoryException">The process has not even a little address space for heaps.</exception>
    public NativeHeap(NativeHeapOptions? options = null)
        : this(options ?? s_defaults, AddressWindow.Shared)
    {
    }

    /// <summary>The same in another window, which outlives it.</summary>
    internal NativeHeap(NativeHeapOptions options, AddressWindow window)
    {
        ArgumentNullException.ThrowIfNull(options.Name, nameof(options));
        ArgumentNullException.ThrowIfNull(options.TimeProvider, nameof(options));
        _options = options;
        _minimumAlignment = Checked(options);
        _callbacks = new CallbackContext(options.CallbackRefused);
        _window = window;
        _start = _window.Start;
        _entries = _window.Table.Entries;
        _granules = _window.Table.Granules;
        _states = options.TrustCaller ? null : _window.States.Table;
        _bias = _window.States.Bias;
        HeapDebugging debugging = options.Debugging ?? HeapDebugging.FromEnvironment;
        MemoryMetrics.Heaps.Add(this, out _metered);
        if (debugging == HeapDebugging.None && options.TimeProvider == TimeProvider.System)
        {
            return;
        }

        // A clock of the caller's may refuse to make a timer, and a debugger shall see the heap from its beginning.
        try
        {
            _ = MakeLayers();
        }
        catch
        {
            MemoryMetrics.Heaps.Remove(_metered);
            throw;
        }
    }

    /// <summary>A heap for everybody, made when first asked for. It cannot be disposed of.</summary>
    /// <exception cref="OutOfMemoryException">It could not be made; the next to ask may be luckier.</exception>
    public static NativeHeap Shared =>
        LazyInitializer.EnsureInitialized(ref s_shared, ref s_sharedGate, static () => new NativeHeap(new NativeHeapOptions { Name = "shared" }));

    /// <summary>The heap's name in messages and metrics.</summary>
    public string Name => _options.Name;

    internal bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    /// <summary>What serves what the fast paths cannot. Made now if it is not there yet. Within a <see cref="HeapCall"/>.</summary>
    private IHeapLayer Layer => (Volatile.Read(ref _layers) ?? MakeLayers()).Top;

    /// <summary>Address space that the heap may use.</summary>
    internal nuint Reserved => HeapExtents.ReservedFor(_window, _options.Limit);

    /// <summary>A block of at least <paramref name="size"/> bytes; 0 gives the smallest there is. Starts at a multiple of 16 if the size is
    /// at most 64 or a multiple of 16, else of 8. O(1) from magazines; large blocks O(1) in the arena.</summary>
    /// <param name="size">In bytes.</param>
    /// <returns>The block. It is not zeroed.</returns>
    /// <exception cref="OutOfMemoryException">The system has no memory, or the heap's limit is reached; the heap is as it was.</exception>
    /// <exception cref="InvariantViolationException">With debugging only: a freed block was written. Nothing was allocated, and it is not
    /// said again.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Allocate(nuint size)
    {
        // Read first, even if it is not needed: then the JIT can share one look-up between neighbouring calls or hoist it out of a loop.
        int thread = ThreadNumber.Current;

        // 0 wraps: it goes the long way.
        return size - 1 < SizeClasses.Largest && TryTakeCached(thread, SizeClasses.Of(size), out nuint block)
            ? (void*)block
            : AllocateSlow(size);
    }

    /// <summary>As <see cref="Allocate"/>, but false where that finds no memory.</summary>
    /// <param name="size">In bytes.</param>
    /// <param name="block">The block; null where there is none.</param>
    /// <exception cref="InvariantViolationException">As <see cref="Allocate"/>: with debugging only.</exception>
    public bool TryAllocate(nuint size, out void* block)
    {
        int thread = ThreadNumber.Current;
        if (size - 1 < SizeClasses.Largest && TryTakeCached(thread, SizeClasses.Of(size), out nuint start))
        {
            block = (void*)start;
            return true;
        }

        block = AllocateOrNull(size, alignment: 1, clear: false, out _);
        return block is not null;
    }

    /// <summary>Frees a block; null is no block and is ignored. O(1).</summary>
    /// <param name="block">What <see cref="Allocate"/> or another call of this heap gave, or null.</param>
    /// <exception cref="InvalidFreeException">No live block of this heap starts there, or it is shorter than is given; with debugging
    /// also: it has another size, or was written before its start or behind its end. In any case, nothing was changed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(void* block)
    {
        if (!TryCache(block, size: 0))
        {
            FreeSlow(block);
        }
    }

    /// <summary>Frees a block whose size the caller knows: it may be any between the one asked for last and <see cref="GetSize"/>.
    /// O(1).</summary>
    /// <param name="block">The block, or null.</param>
    /// <param name="size">In bytes.</param>
    /// <remarks>The class does not follow from the size alone: a block that is aligned, or became shorter where it lies, is of a longer
    /// one. The table knows. Rejected: to take the class of the size. So a size that is too small is found only with debugging.</remarks>
    /// <inheritdoc cref="Free(void*)" path="/exception"/>
    public void Free(void* block, nuint size)
    {
        if (!TryCache(block, size))
        {
            FreeSlow(block, size);
        }
    }

    /// <summary>How many bytes of a block may be used: at least those that were asked for; exactly those with debugging. O(1).</summary>
    /// <param name="block">A live block of this heap.</param>
    /// <exception cref="InvalidFreeException">No live block of this heap starts there.</exception>
    public nuint GetSize(void* block)
    {
        nuint grain = BlockStates.GrainOf((nuint)block, _start);
        nuint granule = grain >> (GranuleTable.GranuleShift - BlockStates.GrainShift);
        uint entry = granule < _granules ? _entries[granule] : 0;
        if (_firstEntry != 0 && entry - _firstEntry is var sizeClass && SizeClasses.Contains((int)sizeClass)
            && (_states is null || StateAt(grain, SizeClasses.SlotShiftOf((int)sizeClass)) == BlockStates.LiveAt(grain)))
        {
            return (nuint)SizeClasses.SizeOf((int)sizeClass);
        }

        using HeapCall call = Enter();
        return Layer.SizeOf((nuint)block);
    }

    /// <summary>Frees every block at once. The memory goes back, or to other heaps for some seconds. With debugging, leaks
    /// and damage are then told to who asked for it. No other thread may be in a call of the heap.</summary>
    /// <exception cref="InvalidOperationException">It is the <see cref="Shared"/> heap.</exception>
    public void Dispose()
    {
        if (ReferenceEquals(this, Volatile.Read(ref s_shared)))
        {
            throw new InvalidOperationException("The shared heap is everybody's: it is not to be disposed of.");
        }

        using (_lifetime.EnterScope())
        {
            if (Interlocked.Exchange(ref _disposed, 1) != 0)
            {
                return;
            }
        }

        End()?.Invoke();
    }

    /// <summary>The heap does not end meanwhile: for who calls at a time that its user cannot know, as a finaliser.</summary>
    internal Gate.Scope HoldOpen() => _lifetime.EnterScope();

    /// <summary>Ends the heap. There is no second try.</summary>
    /// <returns>Reports what debugging has found; null if nothing is to be reported.</returns>
    private Action? End()
    {
        _callbacks.Close();
        HeapLayers? layers = _layers;
        layers?.MayReport = true;
        if (layers is { Runs: not null } && _calls.NoneUnderWay)
        {
            layers.MayBeKept = true;
            Volatile.Write(ref _layers, null);    // what is below may soon be another heap's
        }

        MemoryMetrics.Heaps.Remove(_metered);
        _firstEntry = 0;
        _keeper?.End();
        GC.KeepAlive(this);                       // and by its options whom it tells
        return layers?.Report;
    }

    private HeapLayers MakeLayers()
    {
        using (_lifetime.EnterScope())
        {
            ThrowIfDisposed();
            if (_layers is { } made)
            {
                return made;
            }

            var layers = new HeapLayers(_window, _options, _options.Debugging ?? HeapDebugging.FromEnvironment);
            _keeper = new TableKeeper(this, layers);
            var self = new WeakReference<NativeHeap>(this);      // the layers do not keep it alive
            layers.Plain.Magazines.ShowTo(threads =>
            {
                if (self.TryGetTarget(out NativeHeap? heap))
                {
                    heap._threads = threads;
                }
            });
            _firstEntry = layers.HasFastPaths ? layers.Plain.Space.Owner << GranuleTable.OwnerShift : 0;
            Volatile.Write(ref _layers, layers);
            return layers;
        }
    }

    private static nuint Checked(NativeHeapOptions options)
    {
        nuint alignment = options.MinimumAlignment;
        TimeSpan interval = options.RetainedInterval;
        return (alignment & (alignment - 1)) != 0 || alignment > HeapSpace.PageSize
            ? throw new ArgumentException(
                $"MinimumAlignment cannot be {alignment}: a power of two of at most {HeapSpace.PageSize}, or 0 for the default, can.", nameof(options))
            : interval != Timeout.InfiniteTimeSpan && (interval <= TimeSpan.Zero || interval.TotalMilliseconds > uint.MaxValue - 1)
            ? throw new ArgumentException(
                $"RetainedInterval cannot be {interval}: it is longer than zero and at most 49 days, or Timeout.InfiniteTimeSpan. To keep nothing, set RetainedBytes to 0.", nameof(options))
            : alignment;
    }
}
