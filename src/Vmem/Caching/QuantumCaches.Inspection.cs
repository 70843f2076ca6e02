using Vmem.Checks;
using Vmem.Ranges;
using Vmem.Space;

namespace Vmem.Caching;

// What the caches hold and have done, and whether all is well.
internal sealed partial class QuantumCaches<T>
{
    /// <summary>What the caches keep from callers and have done. Under the lock.</summary>
    /// <remarks>
    /// Exact if the magazines are frozen, or nobody takes or returns a range during the count. Else each thread's count is of another
    /// moment: a range may be missed or be counted twice as it goes from one to another. What no state of the caches could explain is cut
    /// off, so that the figures always add up. Rejected: to stop the threads for it. Beside 64 busy threads the claim of all their
    /// magazines took 65 ms at the 99th percentile, as each of them had to be waited for until it got a processor again.
    /// </remarks>
    public CacheFigures<T> Count()
    {
        MagazineTotals totals = _magazines.Count();
        T held = _space.Map.InUse - _slabs.Idle;
        long ranges = _space.Map.LiveSegments - _slabs.Count + _slabs.RangesOut;
        long most = long.CreateSaturating(held / _space.Quantum);
        if (T.IsZero(held) && T.IsZero(_slabs.Idle) && ranges > 0)
        {
            most = long.CreateSaturating(T.MaxValue / _space.Quantum);            // all of the type: the sum has wrapped
            most += most == long.MaxValue || !T.IsPow2(_space.Quantum) ? 0 : 1;
        }

        long cached = Math.Clamp(totals.Ranges, 0, ranges);
        T units = T.CreateTruncating(Math.Clamp(totals.Quanta, 0, most)) * _space.Quantum;
        return new CacheFigures<T>(units, cached, totals.Taken, ranges - cached);
    }

    /// <inheritdoc/>
    /// <remarks>What came into a magazine by a wrong free is left out, as it is when the caches are emptied.</remarks>
    public List<CachedRange<T>> CopyCached()
    {
        List<CachedRange<T>> ranges = [];
        HashSet<T> seen = [];
        List<T> starts = [];
        _slabs.CopyIdle(ranges);
        for (int sizeClass = 0; sizeClass < _magazines.Classes; sizeClass++)
        {
            starts.Clear();
            _magazines[sizeClass].CopyTo(starts);
            T size = _slabs.SizeOf(sizeClass);
            foreach (T start in starts)
            {
                uint slab = _slabs.Find(start);
                bool isOut = slab != 0 && _slabs.IsOut(slab, start, sizeClass);
                uint tag = isOut ? _slabs.TagOf(slab) : _space.Map.FindLive(start);
                if ((isOut || (_space.Map.IsAllocated(tag, start, size) && _space.Map.SlabOf(tag) == 0)) && seen.Add(start))
                {
                    ranges.Add(new CachedRange<T>(start, size, tag));
                }
            }
        }

        _ = ranges.RemoveAll(range => _space.Map.Drains(range.Start));
        return ranges;
    }

    /// <summary>What callers see: a slab is the ranges in it, and what lies in a cache is nobody's. Frozen, and under the lock.</summary>
    public CallersView<T> View() => new(_space, _slabs, _magazines, Max);

    /// <summary>Every invariant of the magazines and the slabs, and that what magazines hold is allocated. Frozen, and under the
    /// lock.</summary>
    public void Validate()
    {
        _slabs.Validate();
        _magazines.Validate();
        Invariant.Hold(_states?.Fault is null, "a range is in one magazine", $"{_states?.Fault}");
        foreach ((T start, int sizeClass) in _magazines.Contents())
        {
            uint slab = _slabs.Find(start);
            uint tag = _space.Map.Locate(start);
            bool isKnown = (slab != 0 && _slabs.IsOut(slab, start, sizeClass)) ||
                (tag != 0 && _space.Map.SlabOf(tag) == 0 &&
                    _space.Map.GetSegment(tag) == new Segment<T>(start, _slabs.SizeOf(sizeClass), SegmentKind.Allocated));
            Invariant.Hold(_states?.IsCached(start) != false, "what a magazine holds is noted", $"{_slabs.SizeOf(sizeClass)} at {start} is not");
            Invariant.Hold(isKnown, "what a magazine holds is allocated", $"{_slabs.SizeOf(sizeClass)} at {start} is not: it was freed wrongly; ArenaOptions.Audit finds by whom");
        }

        Invariant.Hold(_space.Idle == _slabs.Idle, "the arena knows what slabs hold idle", $"{_space.Idle}, and {_slabs.Idle}");
        _drain.Validate();
    }
}
