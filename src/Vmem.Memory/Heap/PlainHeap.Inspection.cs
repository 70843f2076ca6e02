namespace Vmem.Memory.Heap;

// What it has, and that its parts agree.
internal sealed partial class PlainHeap
{
    public bool TryCount(out NativeHeapStatistics figures) => TryCount(pagesOnly: false, out figures);

    /// <param name="pagesOnly">Whether only figures of pages are wanted, for which no thread must stand still.</param>
    /// <param name="figures">The figures.</param>
    public bool TryCount(bool pagesOnly, out NativeHeapStatistics figures)
    {
        figures = default;
        using (_returning.EnterScope())
        {
            if (_ended)
            {
                return false;
            }

            StarterFigures starter = _starter?.Figures ?? default;
            (nuint kept, long runs, long taken) = _runs?.Count() ?? default;
            figures = new NativeHeapStatistics
            {
                Committed = _space.CommittedBytes,
                Dirty = _space.FreeDirtyBytes,
                Decommitted = _space.DecommittedBytes,
                Held = _large.Bytes + starter.Held + (pagesOnly ? _small.CountHeld() : 0),
                InUse = _large.Bytes - nuint.Min(kept, _large.Bytes) + starter.InUse,
                Cached = kept,
                LiveBlocks = Math.Max(_large.Count - runs, 0) + starter.LiveBlocks,
                LargeBlocks = Math.Max(_large.Count - runs, 0),
                Allocations = _large.Taken + taken + starter.Allocations,
            };
            if (!pagesOnly)
            {
                figures = figures with { Resident = _space.CountResident() };
                _small.Count(ref figures);
            }

            return true;
        }
    }

    /// <summary>The sizes of small blocks that have slabs; null if the heap has ended.</summary>
    public IReadOnlyList<HeapSizeClass>? CountClasses()
    {
        using (_returning.EnterScope())
        {
            return _ended ? null : _small.CountClasses();
        }
    }

    public void Validate()
    {
        using (_returning.EnterScope())
        {
            ThrowIfEnded();
            _small.Validate();
            _runs?.Validate();
            _starter?.Validate();
            _space.Validate();
        }
    }
}
