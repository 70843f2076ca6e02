using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Memory.Heap;
using Vmem.Memory.Heap.Debugging;

namespace Vmem.Memory;

/// <summary>Memory outside the garbage collector, by the malloc interface: "with a slab allocator, a malloc interface".</summary>
/// <remarks>
/// <para>
/// The layers, from the top. <b>Magazines</b> (Bonwick &amp; Adams 2001, §3): each thread keeps one for every class of sizes, and
/// allocating and freeing take from and put into it; a depot for each class takes what is too much, and fills up what has run out.
/// <b>Slabs</b>: pages cut into blocks of one class, without headers. <b>Pages</b>: an <see cref="Arena{T}"/> over the heap's address
/// space, from which large blocks come straight, and where they
/// are resized in place. <b>The system</b>: <see cref="VirtualMemory"/>.
/// </para>
/// <para>
/// The class of a small block follows from its address: the space is one reservation, and a table has one byte for each 64 KiB of it. So a
/// free is two table look-ups and a push, and touches neither the block nor its slab. A block freed by another thread than the one that
/// allocated it goes into the magazines of the thread that frees it, and by the batch through the depot back to who allocates. What the
/// depot holds is bounded; beyond that, blocks go to their slabs, at once and by the batch.
/// </para>
/// <para>
/// This class is the face: arguments, spans, and the paths that end in a magazine. All else is done by the layer below, a
/// <see cref="PlainHeap"/>.
/// <b>Debugging</b> (<see cref="NativeHeapOptions.Debugging"/>) is one more layer between them: see <see cref="HeapDebugger"/>. It costs a
/// heap without it nothing.
/// </para>
/// <para>
/// All members may be called by any thread at any time, but for <see cref="Dispose"/>: no other call may be under way then, nor any block
/// in use. Later calls are refused. A heap that is dropped without it keeps its memory and its address space until the process ends.
/// Rejected: a finaliser. A pointer to a block keeps nothing alive, and would point nowhere once nobody refers to the heap itself.
/// </para>
/// </remarks>
public sealed unsafe partial class NativeHeap : IDisposable
{
    private static NativeHeap? s_shared;
    private static object? s_sharedGate;

    private ThreadTable<HeapMagazine[]> _threads = new();       // the plain heap's magazines by thread; no thread has any with debugging
    private readonly nuint _start;
    private readonly byte* _classes;              // by granule
    private nuint _granules;                      // 0 with debugging: no address is the fast paths' business; and once it is disposed of
    private readonly IHeapLayer _layer;           // the plain heap, or the debugger over it
    private readonly PlainHeap _plain;
    private readonly MeteredEntry _metered;
    private readonly nuint _minimumAlignment;
    private long _failures;
    private readonly Gate _ending = new();
    private int _disposed;

    /// <summary>A heap of its own, independent of all others.</summary>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="ArgumentException">The minimum alignment is no power of two of at most 4,096.</exception>
    /// <exception cref="OutOfMemoryException">The system has not even a little address space.</exception>
    public NativeHeap(NativeHeapOptions? options = null)
    {
        options ??= new NativeHeapOptions();
        ArgumentNullException.ThrowIfNull(options.Name, nameof(options));
        ArgumentNullException.ThrowIfNull(options.TimeProvider, nameof(options));
        HeapDebugging debugging = options.Debugging ?? HeapDebugging.FromEnvironment;
        _minimumAlignment = Checked(options);
        _callbacks = new CallbackContext(options.CallbackRefused);
        bool isDebugged = debugging != HeapDebugging.None;
        _plain = new PlainHeap(options.Name, options.Limit == 0 ? DefaultReservation
            : options.Limit, options.HugePages, isDebugged, options.TimeProvider);
        _plain.Magazines.ShowTo(threads => _threads = threads);
        _start = _plain.Space.Start;
        _classes = _plain.Space.Map.Classes;
        _granules = isDebugged ? 0 : _plain.Space.Granules;
        try
        {
            _layer = isDebugged ? new HeapDebugger(_plain, debugging, options.TimeProvider) : _plain;
            _metered = MemoryMetrics.Heaps.Add(this);
        }
        catch
        {
            _plain.Stop();
            _ = (_layer ?? _plain).End();
            throw;
        }
    }

    /// <summary>A heap for everybody, made when first asked for. It cannot be disposed of.</summary>
    /// <exception cref="OutOfMemoryException">It could not be made; the next to ask may be luckier.</exception>
    public static NativeHeap Shared =>
        LazyInitializer.EnsureInitialized(ref s_shared, ref s_sharedGate, static () => new NativeHeap(new NativeHeapOptions { Name = "shared" }));

    /// <summary>The heap's name in messages and metrics.</summary>
    public string Name => _plain.Name;

    /// <summary>Address space, in bytes.</summary>
    internal nuint Reserved => _plain.Space.Size;

    internal bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    private static nuint DefaultReservation => nuint.Size == 8 ? unchecked((nuint)(256UL << 30)) : 512u << 20;

    /// <summary>A block of at least <paramref name="size"/> bytes; 0 gives the smallest there is. Starts at a multiple of 16 if the size is
    /// at most 64 or a multiple of 16, else of 8. O(1) from magazines; large blocks O(1) in the arena.</summary>
    /// <exception cref="OutOfMemoryException">The system has no memory, or the heap's limit is reached; the heap is as it was.</exception>
    /// <exception cref="InvariantViolationException">With debugging only: a freed block was written. Nothing was allocated, and it is not
    /// said again.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Allocate(nuint size)
    {
        // Read first, even if it is not needed: then the JIT can share one look-up between neighbouring calls or hoist it out of a loop.
        int thread = ThreadNumber.Current;

        // 0 wraps: it goes the long way.
        return size - 1 < SizeClasses.Largest && MagazineTable.Of(_threads, thread, SizeClasses.Of(size)).TryPop(out nuint block)
            ? (void*)block
            : AllocateSlow(size);
    }

    /// <summary>As <see cref="Allocate"/>, but false where that finds no memory.</summary>
    /// <exception cref="InvariantViolationException">As <see cref="Allocate"/>: with debugging only.</exception>
    public bool TryAllocate(nuint size, out void* block)
    {
        int thread = ThreadNumber.Current;
        if (size - 1 < SizeClasses.Largest && MagazineTable.Of(_threads, thread, SizeClasses.Of(size)).TryPop(out nuint start))
        {
            block = (void*)start;
            return true;
        }

        block = AllocateOrNull(size, alignment: 1, clear: false, out _);
        return block is not null;
    }

    /// <summary>Frees a block; null is no block and is ignored. O(1).</summary>
    /// <exception cref="InvalidFreeException">No block starts there. (Whether a small block is live is not checked here.)
    /// With debugging: it is no live block, has another size than is given, or was written before its start or behind its end. In any case,
    /// nothing was changed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(void* block)
    {
        if (!TryCache(block))
        {
            FreeSlow(block);
        }
    }

    /// <summary>Frees a block whose size the caller knows: it may be any between the one asked for last and <see cref="GetSize"/>.
    /// O(1).</summary>
    /// <remarks>The class does not follow from the size alone: a block that is aligned, or became shorter where it lies, is of a longer
    /// one. The table knows. Rejected: to take the class of the size and to have such blocks found wrong when their magazine is emptied.
    /// With debugging the size is checked.</remarks>
    /// <inheritdoc cref="Free(void*)"/>
    public void Free(void* block, nuint size)
    {
        if (!TryCache(block))
        {
            FreeSlow(block, size);
        }
    }

    /// <summary>How many bytes of a block may be used: at least those that were asked for; exactly those with debugging. O(1).</summary>
    /// <exception cref="InvalidFreeException">No block starts there. (Found of large blocks; of small ones only with debugging: else an
    /// address inside one has the block's size.)</exception>
    public nuint GetSize(void* block)
    {
        nuint granule = ((nuint)block - _start) >> HeapSpace.GranuleShift;
        int sizeClass = granule < _granules ? _classes[granule] : 0;
        return SizeClasses.Contains(sizeClass) ? (nuint)SizeClasses.SizeOf(sizeClass) : _layer.SizeOf((nuint)block);
    }

    /// <summary>Does the address lie in memory that this heap has cut into blocks, or in a large block of it? O(1), for interior addresses
    /// of large blocks O(segments). With debugging: in a live block; O(live blocks) for interior addresses.</summary>
    public bool Owns(void* address) => _layer.Owns((nuint)address);

    /// <summary>Frees every block at once, and gives the memory back, or leaves it to the next heap for some seconds. With debugging, leaks
    /// and damage are then told to who asked for it. No other thread may be in a call of the heap.</summary>
    /// <exception cref="InvalidOperationException">It is the <see cref="Shared"/> heap.</exception>
    public void Dispose()
    {
        if (ReferenceEquals(this, Volatile.Read(ref s_shared)))
        {
            throw new InvalidOperationException("The shared heap is everybody's: it is not to be disposed of.");
        }

        using (_ending.EnterScope())
        {
            if (Interlocked.Exchange(ref _disposed, 1) != 0)
            {
                return;
            }
        }

        End()?.Invoke();
    }

    /// <summary>The heap does not end meanwhile: for who calls at a time that its user cannot know, as a finaliser.</summary>
    internal Gate.Scope HoldOpen() => _ending.EnterScope();

    /// <summary>Ends the heap. There is no second try.</summary>
    /// <returns>Reports what debugging has found; null if nothing is to be reported.</returns>
    private Action? End()
    {
        _callbacks.Close();
        _plain.Stop();
        MemoryMetrics.Heaps.Remove(_metered);
        _granules = 0;
        return _layer.End();
    }

    private static nuint Checked(NativeHeapOptions options) =>
        (options.MinimumAlignment & (options.MinimumAlignment - 1)) == 0 && options.MinimumAlignment <= HeapSpace.PageSize
            ? options.MinimumAlignment
            : throw new ArgumentException(
                $"MinimumAlignment cannot be {options.MinimumAlignment}: a power of two of at most {HeapSpace.PageSize}, or 0 for the default, can.", nameof(options));

    /// <summary>Puts a small block into the thread's magazine, if that has room.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryCache(void* block)
    {
        int thread = ThreadNumber.Current;
        nuint granule = ((nuint)block - _start) >> HeapSpace.GranuleShift;

        // What is no small block of a slab is of no class, or of one that has no open magazine.
        return granule < _granules && MagazineTable.Of(_threads, thread, _classes[granule]).TryPush((nuint)block);
    }
}
