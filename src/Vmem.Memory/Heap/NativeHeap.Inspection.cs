using System.Globalization;
using Vmem.Diagnostics;
using Vmem.Memory.Diagnostics;
using Vmem.Memory.Heap;
using Vmem.Memory.Heap.Debugging;

namespace Vmem.Memory;

// What can be asked of the heap.
public sealed unsafe partial class NativeHeap : IMetered, IDumped
{
    /// <summary>Whether an address lies in memory that this heap has cut into blocks, or in a large block of it. O(1), for interior
    /// addresses of large blocks O(segments). With debugging: in a live block; O(live blocks) for interior addresses.</summary>
    /// <param name="address">Any address.</param>
    /// <returns>Whether it does. A block that was freed may count: its memory is the heap's still.</returns>
    public bool Owns(void* address)
    {
        using HeapCall call = new(this, ref _calls);
        return !IsDisposed && Volatile.Read(ref _layers) is { } layers && layers.Top.Owns((nuint)address);
    }

    /// <summary>What the heap does to find mistakes in its use; <see cref="HeapDebugging.None"/> if nothing.</summary>
    public HeapDebugging Debugging => _options.Debugging ?? HeapDebugging.FromEnvironment;

    private HeapDebugger? Debugger => Volatile.Read(ref _layers)?.Debugger;

    /// <summary>What the heap's users hold at this moment, grouped by the stacks that allocated it, the largest total first. O(live
    /// blocks).</summary>
    /// <returns>The report.</returns>
    /// <exception cref="InvalidOperationException">The heap keeps no owners: <see cref="HeapDebugging.Owners"/> was not set.</exception>
    public AuditReport<nuint> GetAuditReport()
    {
        ThrowIfDisposed();
        return Debugger?.Report()
            ?? throw new InvalidOperationException($"Heap '{Name}' keeps no owners. Set {nameof(NativeHeapOptions)}.{nameof(NativeHeapOptions.Debugging)} when it is made.");
    }

    /// <summary>Gives all that is kept in reserve back to the system: magazines go to their slabs, whole slabs to the pages, and the memory
    /// of free pages is discarded, as is that of pages of slabs on which no block lives. With debugging, the quarantine is given up first.
    /// O(what is kept); nobody waits for more than a piece of it.</summary>
    /// <exception cref="InvariantViolationException">With debugging only: a freed block was written. What was freed after it is kept, and a
    /// second call goes on.</exception>
    /// <returns>How many bytes of free pages were given back; those of slabs are not counted.</returns>
    /// <exception cref="InvalidFreeException">A small block was freed wrongly some time before, and nobody was told: by two threads at
    /// once, or in a heap that trusts its caller. All else was given back.</exception>
    public nuint Trim()
    {
        using HeapCall call = Enter();
        return Volatile.Read(ref _layers)?.Top.Trim() ?? 0;
    }

    /// <summary>Figures of the heap. Threads at work stand still for a moment. O(classes × threads that have used the heap).</summary>
    /// <exception cref="ObjectDisposedException">The heap has ended.</exception>
    public NativeHeapStatistics GetStatistics()
    {
        ObjectDisposedException.ThrowIf(!TryCount(pagesOnly: false, out NativeHeapStatistics figures), this);
        return figures;
    }

    /// <summary>What the heap has of each size of small blocks, the shortest first; those without a slab are left out. Large blocks, and
    /// the first few of a heap, lie in no slab. With debugging, blocks are counted with their red zones, and those in quarantine count as
    /// live. Threads at work stand still for a moment. O(classes × threads that have used the heap).</summary>
    /// <returns>The sizes.</returns>
    /// <exception cref="ObjectDisposedException">The heap has ended.</exception>
    public IReadOnlyList<HeapSizeClass> GetSizeClasses()
    {
        using HeapCall call = Enter();
        IReadOnlyList<HeapSizeClass>? counted = Volatile.Read(ref _layers) is { } layers ? layers.Plain.CountClasses() : [];
        ObjectDisposedException.ThrowIf(counted is null, this);
        return counted;
    }

    /// <summary>Checks every invariant of the heap's own tables, O(blocks). Threads at work stand still meanwhile.</summary>
    /// <exception cref="InvariantViolationException">One does not hold; the message says which.</exception>
    public void Validate()
    {
        using HeapCall call = Enter();
        Volatile.Read(ref _layers)?.Top.Validate();
    }

    /// <inheritdoc/>
    bool IMetered.TryRead(int figure, out long value)
    {
        var wanted = (HeapFigure)figure;
        bool isThere = wanted is HeapFigure.Reserved or HeapFigure.Committed or HeapFigure.Dirty or HeapFigure.Held
            or HeapFigure.Decommitted or HeapFigure.Failures
            ? TryCount(pagesOnly: true, out NativeHeapStatistics figures)
            : TryCount(pagesOnly: false, out figures);
        value = wanted switch
        {
            HeapFigure.Reserved => long.CreateSaturating(figures.Reserved),
            HeapFigure.Committed => long.CreateSaturating(figures.Committed),
            HeapFigure.Resident => long.CreateSaturating(figures.Resident),
            HeapFigure.Dirty => long.CreateSaturating(figures.Dirty),
            HeapFigure.Decommitted => long.CreateSaturating(figures.Decommitted),
            HeapFigure.Held => long.CreateSaturating(figures.Held),
            HeapFigure.InUse => long.CreateSaturating(figures.InUse),
            HeapFigure.Cached => long.CreateSaturating(figures.Cached),
            HeapFigure.Allocations => figures.Allocations,
            HeapFigure.Frees => figures.Frees,
            HeapFigure.Failures => Interlocked.Read(ref _failures),
            _ => figures.LiveBlocks,
        };
        return isThere;
    }

    /// <inheritdoc/>
    void IDumped.Write(TextWriter writer)
    {
        if (TryCount(pagesOnly: false, out NativeHeapStatistics figures))
        {
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{Name,-32}  {figures.InUse,16}  {figures.Cached,16}  {figures.Held,16}  {figures.Resident,16}  {figures.LiveBlocks,10}  {figures.Allocations,14}  {figures.Failures,8}"));
        }
    }

    private bool TryCount(bool pagesOnly, out NativeHeapStatistics figures)
    {
        using HeapCall call = new(this, ref _calls);
        figures = default;
        bool isThere = Volatile.Read(ref _layers) is not { } layers || IsDisposed ? !IsDisposed
            : pagesOnly ? layers.Plain.TryCount(pagesOnly, out figures) : layers.Top.TryCount(out figures);
        figures = figures with
        {
            Reserved = Reserved,
            Frees = figures.Allocations - figures.LiveBlocks,
            Failures = Interlocked.Read(ref _failures),
            RefusedCallbacks = _callbacks.Refused,
        };
        return isThere;
    }
}
