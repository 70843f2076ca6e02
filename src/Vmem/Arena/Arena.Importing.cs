using System.Runtime.CompilerServices;
using Vmem.Importing;
using Vmem.Ranges;
using Vmem.Segments;

namespace Vmem;

// Importing spans from a source, and giving them back.
//
// The lock is not held while the source is called: a source may be slow, may itself be an arena, and may even call back. What has changed
// meanwhile is looked at afterwards: if the request can be met without the import, the import goes back.
//
// A span remembers that it was imported, its segments need not. A wholly free imported span is kept up to
// ArenaOptions.RetainedImport, because an arena whose use swings about a span's boundary would otherwise import and
// release at every swing, as all known implementations do.
public sealed partial class Arena<T>
{
    private readonly IArenaSource<T>? _source;
    private readonly T _sourceQuantum;
    private readonly T _importUnit;               // the larger of the two quanta; both are powers of two
    private readonly T _minImport;
    private readonly T _retainedLimit;
    private readonly T _limit;
    private T _retained;                          // size of the wholly free imports
    private long _retainedSpans;
    private bool _sureFirst;                      // instant fit may take the first sure fit: no empty import that must be noted, no audit, no recorder
    private long _imports;
    private long _releases;

    /// <summary>How many wholly free imports are kept.</summary>
    private long RetainedSpans
    {
        get => _retainedSpans;
        set
        {
            _retainedSpans = value;
            _sureFirst = value == 0 && _audit is null && _recorder is null;
        }
    }

    private static T CheckSourceQuantum(T quantum, string parameter) => T.IsPow2(quantum)
        ? quantum
        : throw new ArgumentException($"The source's quantum must be a power of two, and {quantum} is none.", parameter);

    /// <summary>
    /// The request did not fit. Imports what it needs and tries again. If nothing can be imported, because of the source or the limit, the
    /// empty imports that are kept go back first: the hysteresis must not make a request fail.
    /// </summary>
    private bool TryClaimImporting(in Placement<T> placement, in RangeConstraints<T> constraints, FitPolicy policy, bool byHandle, out T start, out RangeHandle<T> handle)
    {
        Segment<T> spare = Import(placement, constraints);
        if (T.IsZero(spare.Size))
        {
            if (_caches is not null && TryClaimFromCaches(placement, policy, byHandle, out start, out handle))
            {
                return true;
            }

            // What was in caches may have become empty imports, and these may be back at the source already.
            if (!T.IsZero(ReapImports()) || _caches is not null)
            {
                spare = Import(placement, constraints);
            }
        }

        bool met = false;
        start = default;
        handle = default;
        try
        {
            met = TryClaimWith(ref spare, placement, policy, byHandle, out start, out handle);
        }
        finally
        {
            if (!T.IsZero(spare.Size))
            {
                ReleaseSpare(spare, met ? new Segment<T>(start, placement.Size, SegmentKind.Allocated) : default);
            }

            if (Volatile.Read(ref _followed))
            {
                RoomMayHaveCome(echo: true);      // what was attached may be more than was needed, and what went back may serve others
            }
        }

        return met;
    }

    private Segment<T> ImportOrReap(in Placement<T> placement, in RangeConstraints<T> constraints)
    {
        Segment<T> import = Import(placement, constraints);
        return T.IsZero(import.Size) && !T.IsZero(ReapImports()) ? Import(placement, constraints) : import;
    }

    /// <summary>What has changed while the source was asked counts first; only then the import is attached, which empties
    /// <paramref name="spare"/>.</summary>
    private bool TryClaimWith(ref Segment<T> spare, in Placement<T> placement, FitPolicy policy, bool byHandle, out T start, out RangeHandle<T> handle)
    {
        EnterForChange();
        try
        {
            bool met = TryClaimOrAttach(ref spare, placement, policy, byHandle, out start, out handle);
            _failures += met ? 0 : 1;
            return met;
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>The same for those who hold the lock, and do not count.</summary>
    private bool TryClaimOrAttach(ref Segment<T> spare, in Placement<T> placement, FitPolicy policy, bool byHandle, out T start, out RangeHandle<T> handle) =>
        TryClaim(placement, policy, byHandle, out start, out handle) ||
        (TryAttach(ref spare) && TryClaim(placement, policy, byHandle, out start, out handle));

    /// <summary>Imports for a request that is not claimed here. False if nothing could be imported.</summary>
    private bool TryImportFor(in Placement<T> placement, in RangeConstraints<T> constraints)
    {
        Segment<T> spare = Import(placement, constraints);
        bool attached = false;
        try
        {
            EnterForChange();
            try
            {
                attached = TryAttach(ref spare);
            }
            finally
            {
                Exit();
            }
        }
        finally
        {
            if (!T.IsZero(spare.Size))
            {
                _source!.Release(spare.Start, spare.Size);
            }

            if (Volatile.Read(ref _followed))
            {
                RoomMayHaveCome(echo: true);
            }
        }

        return attached;
    }

    /// <summary>Gives back an import that was not needed. If the source throws, what was allocated meanwhile is freed again: the caller
    /// will not learn of it.</summary>
    private void ReleaseSpare(in Segment<T> spare, in Segment<T> allocated)
    {
        try
        {
            _source!.Release(spare.Start, spare.Size);
        }
        catch when (!T.IsZero(allocated.Size))
        {
            TakeBack(allocated.Start, allocated.Size);
            throw;
        }
    }

    /// <summary>Asks the source, without the lock, for a range in which the request would fit; the empty segment if it has none.</summary>
    private Segment<T> Import(in Placement<T> placement, in RangeConstraints<T> constraints)
    {
        if (_source is null)
        {
            return default;
        }

        T minImport = MinImportFor(placement.Size);
        for (int step = 0; step < ImportAsk<T>.Steps; step++)
        {
            if (ImportAsk<T>.TryMake(step, placement, constraints, _importUnit, _sourceQuantum, minImport, out ImportAsk<T> ask) &&
                !ExceedsLimit(ask.Size) && _source.TryImport(ask.Size, ask.Constraints, out T start, out T size))
            {
                CheckImport(ask.Size, start, size);
                if (placement.TryLowest(start, start + (size - T.One), out _))
                {
                    return new Segment<T>(start, size, SegmentKind.Span);
                }

                _source.Release(start, size);
            }
        }

        return default;
    }

    /// <summary>The minimum import; with quantum caches, whole slabs.</summary>
    private T MinImportFor(T size)
    {
        if (_caches is null)
        {
            return _minImport;
        }

        T slabMask = _caches.Slabs.SlabSize - T.One;
        T least = size > _minImport ? size : _minImport;
        T slabs = (least + slabMask) & ~slabMask;
        return slabs < least ? _minImport : slabs;
    }

    /// <summary>A range that breaks the source's own contract goes back, and is an error: to go on asking would be to hide it.</summary>
    private void CheckImport(T asked, T start, T size)
    {
        string? fault =
            size < asked ? "less" :
            !T.IsZero((start | size) & _quantumMask) ? $"not a multiple of the quantum {Quantum}" :
            start + (size - T.One) < start ? "past the top of the type" : null;
        if (fault is not null)
        {
            _source!.Release(start, size);
            throw BrokenSource($"{size} at {start} when asked for {asked}: {fault}");
        }
    }

    private InvalidOperationException BrokenSource(string what) => new($"The source of arena '{Name}' gave {what}.");

    private bool ExceedsLimit(T size) => !T.IsZero(_limit) && (_map.TotalSize > _limit || size > _limit - _map.TotalSize);

    /// <summary>Adds an import to the spans, which empties <paramref name="spare"/>; false if there is none, or the limit has been reached
    /// meanwhile. The lock is held.</summary>
    private bool TryAttach(ref Segment<T> spare)
    {
        if (T.IsZero(spare.Size) || ExceedsLimit(spare.Size))
        {
            return false;
        }

        if (_map.TryFindOverlap(spare.Start, spare.Start + (spare.Size - T.One), out Segment<T> other))
        {
            throw BrokenSource($"{spare.Size} at {spare.Start}, which overlaps the span of {other.Size} at {other.Start}");
        }

        _map.ReserveSpan(spare.Size);
        _ = _map.AddSpan(spare.Start, spare.Size, imported: true);
        _recorder?.Added(spare.Start, spare.Size);
        _imports++;
        _retained += spare.Size;
        RetainedSpans++;
        spare = default;
        return true;
    }

    /// <summary>A free segment is about to be allocated from: if it is a whole import, that is no longer one of the empty ones.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void NoteImportUsed(uint free)
    {
        if (_map.IsWholeImport(free, out _))
        {
            _retained -= _map.GetSegment(free).Size;
            RetainedSpans--;
        }
    }

    /// <summary>A segment became free: if it is a whole import and enough of those are kept already, takes it out of the arena, for the
    /// caller to release without the lock. While somebody waits it is kept: it may be just what he waits for, and what he leaves is
    /// trimmed.</summary>
    private bool TryDetachEmptyImport(uint free, out Segment<T> release)
    {
        release = default;
        if (!_map.IsWholeImport(free, out uint span))
        {
            return false;
        }

        T size = _map.GetSegment(free).Size;
        bool keep = _followed || (T.IsZero(_retainedLimit) ? _retainedSpans == 0 : size <= _retainedLimit && _retained <= _retainedLimit - size);
        if (keep)
        {
            _retained += size;
            RetainedSpans++;
            return false;
        }

        release = _map.GetSegment(free);
        _map.RemoveSpan(span);
        _recorder?.Removed(release.Start, release.Size);
        _releases++;
        return true;
    }
}
