using System.Runtime.InteropServices;
using Vmem.Caching;
using Vmem.Memory.Heap;

namespace Vmem.Memory;

// What the heap gives back, and what can be asked of it.
public sealed unsafe partial class NativeHeap
{
    private readonly Lock _returning = new();     // held while memory goes back: what is on the way is nobody's, and the heap must not end
    private InvalidFreeException? _wrongFree;     // found where nobody was to be told

    /// <summary>Gives all that is kept in reserve back to the system: magazines go to their slabs, whole slabs to the pages, and the memory of
    /// free pages is discarded. With debugging, the quarantine is given up first. O(what is kept).</summary>
    /// <exception cref="InvariantViolationException">With debugging only: a freed block was written. What was freed after it is kept, and a second
    /// call goes on.</exception>
    /// <returns>How many bytes were given back.</returns>
    /// <exception cref="InvalidFreeException">A small block was freed wrongly some time before: twice, or at an address inside it. All else was
    /// given back.</exception>
    public nuint Trim()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        _debugger?.ReleaseQuarantine();
        nuint trimmed = TrimPlain();
        return Interlocked.Exchange(ref _wrongFree, null) is { } wrongFree ? throw wrongFree : trimmed;
    }

    private nuint TrimPlain()
    {
        using Lock.Scope returning = _returning.EnterScope();
        if (Volatile.Read(ref _disposed) != 0)
        {
            return 0;
        }

        var spilled = new List<Magazine<nuint>>();
        for (int sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
        {
            MagazineCache<nuint> cache = _caches[sizeClass];
            MagazineCache<nuint>.Claim([cache]);
            try
            {
                cache.Drain(spilled);
            }
            finally
            {
                MagazineCache<nuint>.Release([cache]);
            }

            GiveAll(sizeClass, spilled);
            cache.DropEmpty();
            _slabs[sizeClass].Trim();
        }

        return _space.DiscardFree();
    }

    /// <summary>Figures of the heap. Threads at work stand still for a moment.</summary>
    public NativeHeapStatistics GetStatistics()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        lock (_returning)
        {
            return Count();
        }
    }

    /// <summary>Nothing is on its way back meanwhile.</summary>
    private NativeHeapStatistics Count()
    {
        nuint cached = 0;
        nuint held = (nuint)Interlocked.Read(ref _largeBytes);
        nuint inUse = held;
        long slabCount = 0;
        long live = Interlocked.Read(ref _largeBlocks);
        ReadOnlySpan<MagazineCache<nuint>> caches = _caches.AsSpan(1);
        MagazineCache<nuint>.Claim(caches);
        try
        {
            for (int sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
            {
                (long slabs, nuint bytes, long blocksOut) = _slabs[sizeClass].Count();
                long inMagazines = _caches[sizeClass].Count().Items;
                nuint size = (nuint)SizeClasses.SizeOf(sizeClass);
                slabCount += slabs;
                held += bytes;
                cached += (nuint)inMagazines * size;
                inUse += (nuint)(blocksOut - inMagazines) * size;
                live += blocksOut - inMagazines;
            }
        }
        finally
        {
            MagazineCache<nuint>.Release(caches);
        }

        var plain = new NativeHeapStatistics
        {
            Reserved = _space.Size,
            Committed = _space.CommittedBytes,
            Held = held,
            InUse = inUse,
            Cached = cached,
            LiveBlocks = live,
            Slabs = slabCount,
            LargeBlocks = Interlocked.Read(ref _largeBlocks),
            Failures = Interlocked.Read(ref _failures),
        };
        return _debugger is null ? plain : _debugger.Correct(plain);
    }

    /// <summary>Checks every invariant of the heap's own tables, O(blocks). Threads at work stand still meanwhile.</summary>
    /// <exception cref="InvariantViolationException">One does not hold; the message says which.</exception>
    public void Validate()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        var items = new List<nuint>();
        ReadOnlySpan<MagazineCache<nuint>> caches = _caches.AsSpan(1);
        MagazineCache<nuint>.Claim(caches);
        try
        {
            for (int sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
            {
                items.Clear();
                _caches[sizeClass].Validate();
                _caches[sizeClass].CopyTo(items);
                Invariant.Hold(new HashSet<nuint>(items).Count == items.Count, "a block is in one magazine", $"one of {SizeClasses.SizeOf(sizeClass)} bytes is there twice: it was freed twice");
                _slabs[sizeClass].Validate(CollectionsMarshal.AsSpan(items));
            }

            _space.Pages.Validate();
        }
        finally
        {
            MagazineCache<nuint>.Release(caches);
        }

        _debugger?.Validate();
    }

    /// <summary>Without memory to do it, what was to go back goes at the end of another interval: on the timer's thread nobody would catch
    /// it.</summary>
    void IUpkeepTarget.EndInterval()
    {
        try
        {
            EndInterval();
        }
        catch (OutOfMemoryException)
        {
        }
    }

    void IUpkeepTarget.RelievePressure()
    {
        try
        {
            _ = SpacePool.Shared.ReleaseAll();
            _ = TrimPlain();
        }
        catch (OutOfMemoryException)
        {
        }
    }

    private void EndInterval()
    {
        using Lock.Scope returning = _returning.EnterScope();
        if (Volatile.Read(ref _disposed) != 0)
        {
            return;
        }

        var spilled = new List<Magazine<nuint>>();
        for (int sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
        {
            _caches[sizeClass].Tick(spilled);
            GiveAll(sizeClass, spilled);
            _slabs[sizeClass].Tick();
        }

        _ = _space.DiscardFree();
    }

    /// <summary>No upkeep is at work and no collector reads any more, once this returns.</summary>
    /// <returns>Whether the thread was interrupted meanwhile.</returns>
    private bool EndUpkeep()
    {
        for (bool isInterrupted = false; ; isInterrupted = true)
        {
            try
            {
                _upkeep.Dispose();
                lock (_returning)
                {
                    return isInterrupted;         // whoever comes now finds the heap disposed of
                }
            }
            catch (ThreadInterruptedException)
            {
            }
        }
    }

    private void GiveAll(int sizeClass, List<Magazine<nuint>> spilled)
    {
        foreach (Magazine<nuint> magazine in spilled)
        {
            GiveFor(sizeClass, magazine.Contents);
        }

        spilled.Clear();
    }

    /// <summary>Puts blocks that others have freed into their slabs. One that was freed wrongly keeps no other from its slab; the next to call
    /// <see cref="Trim"/> is told.</summary>
    private void GiveFor(int sizeClass, ReadOnlySpan<nuint> blocks)
    {
        try
        {
            _slabs[sizeClass].Give(blocks);
        }
        catch (InvalidFreeException wrongFree)
        {
            _wrongFree ??= wrongFree;
        }
    }
}
