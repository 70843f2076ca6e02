using System.Runtime.InteropServices;
using Vmem.Caching;
using Vmem.Memory.Heap;

namespace Vmem.Memory;

// What the heap gives back, and what can be asked of it.
public sealed unsafe partial class NativeHeap
{
    /// <summary>Gives all that is kept in reserve back to the system: magazines go to their slabs, whole slabs to the pages, and the memory of
    /// free pages is discarded. With debugging, the quarantine is given up first. O(what is kept).</summary>
    /// <exception cref="InvariantViolationException">With debugging only: a freed block was written. What was freed after it is kept, and a second
    /// call goes on.</exception>
    /// <returns>How many bytes were given back.</returns>
    public nuint Trim()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        _debugger?.ReleaseQuarantine();
        return TrimPlain();
    }

    private nuint TrimPlain()
    {
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
            _ = _slabs[sizeClass].Trim();
        }

        return _space.DiscardFree();
    }

    /// <summary>Figures of the heap. Threads at work stand still for a moment.</summary>
    public NativeHeapStatistics GetStatistics()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        return Count();
    }

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

    void IUpkeepTarget.EndInterval()
    {
        if (Volatile.Read(ref _disposed) != 0)
        {
            return;
        }

        var spilled = new List<Magazine<nuint>>();
        for (int sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
        {
            _caches[sizeClass].Tick(spilled);
            GiveAll(sizeClass, spilled);
        }

        _ = _space.DiscardFree();
    }

    void IUpkeepTarget.RelievePressure()
    {
        if (Volatile.Read(ref _disposed) == 0)
        {
            _ = TrimPlain();
        }
    }

    private void GiveAll(int sizeClass, List<Magazine<nuint>> spilled)
    {
        foreach (Magazine<nuint> magazine in spilled)
        {
            _slabs[sizeClass].Give(magazine.Contents);
        }

        spilled.Clear();
    }
}
