using System.Numerics;
using Vmem.Ranges;
using Vmem.Space;

namespace Vmem.Importing;

/// <summary>Asks the source for spans, and sees to it that what comes is what was asked for. Holds no lock while it asks.</summary>
/// <remarks>
/// A source may be slow, may itself be an arena, and may call back. What has changed meanwhile is looked at afterwards: if the request can
/// be met without the import, the import goes back.
/// </remarks>
internal sealed class Importer<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly Space<T> _space;
    private readonly IArenaSource<T> _source;
    private readonly T _minImport;
    private readonly T _slabSize;

    /// <param name="space">What imports are added to.</param>
    /// <param name="source">The source.</param>
    /// <param name="sourceQuantum">Its quantum, checked.</param>
    /// <param name="minImport">The least that is imported at once.</param>
    /// <param name="slabSize">The size of the caches' slabs, whole ones of which are imported; 0: there are none.</param>
    public Importer(Space<T> space, IArenaSource<T> source, T sourceQuantum, T minImport, T slabSize)
    {
        SourceQuantum = sourceQuantum;
        _space = space;
        _source = source;
        _minImport = minImport;
        _slabSize = slabSize;
        Unit = T.Max(space.Quantum, SourceQuantum);
    }

    public T SourceQuantum { get; }

    /// <summary>The larger of the two quanta; both are powers of two.</summary>
    public T Unit { get; }

    /// <exception cref="ArgumentException">The source's quantum is no power of two.</exception>
    public static T CheckQuantum(T quantum, string parameter) => T.IsPow2(quantum)
        ? quantum
        : throw new ArgumentException($"The source's quantum must be a power of two, and {quantum} is none.", parameter);

    /// <summary>The request did not fit. Imports what it needs and tries again; also if there was nothing to import, as something may have
    /// been freed meanwhile.</summary>
    public bool TryTakeImported(in Request<T> request, out Grant<T> grant)
    {
        Segment<T> import = Import(request.Placement, out bool gaveBack);
        grant = default;
        try
        {
            using Visit<T> visit = VisitWith(import, gaveBack);
            try
            {
                return _space.TryTakeOrAttach(request, ref import, out grant);
            }
            finally
            {
                ReleaseUnused(import);
            }
        }
        catch when (!grant.IsEmpty)
        {
            _space.TakeBack(grant);               // the source would not have the import back: the caller will not learn of what it got
            throw;
        }
    }

    /// <summary>Imports for a request that is not met here.</summary>
    /// <returns>False if nothing could be imported.</returns>
    public bool TryAttach(in Placement<T> placement)
    {
        Segment<T> import = Import(placement, out bool gaveBack);
        using Visit<T> visit = VisitWith(import, gaveBack);
        try
        {
            return _space.TryAttach(ref import);
        }
        finally
        {
            ReleaseUnused(import);
        }
    }

    /// <summary>Asks the source for a span in which the request would fit; if it has none, once more after all empty imports went
    /// back.</summary>
    public Segment<T> ImportOrReap(in Placement<T> placement)
    {
        Segment<T> import = Import(placement, out _);
        return T.IsZero(import.Size) && !T.IsZero(_space.DetachEmpty()) ? Import(placement, out _) : import;
    }

    /// <summary>The question of one step, see <see cref="ImportAsk{T}"/>.</summary>
    public bool TryAsk(int step, in Placement<T> placement, T minImport, out ImportAsk<T> ask) =>
        ImportAsk<T>.TryMake(step, placement, Unit, SourceQuantum, minImport, out ask);

    /// <summary>The question of one step for the least import that may be had.</summary>
    public bool TryAsk(int step, in Placement<T> placement, out ImportAsk<T> ask) => TryAsk(step, placement, _minImport, out ask);

    /// <summary>Asks the source for a span in which the request would fit; the empty segment if it has none.</summary>
    /// <param name="placement">The request.</param>
    /// <param name="gaveBack">Whether something came that did not fit, and went back.</param>
    private Segment<T> Import(in Placement<T> placement, out bool gaveBack)
    {
        _space.AssertNotHeld();
        gaveBack = false;
        T minImport = MinImportFor(placement.Size);
        for (int step = 0; step < ImportAsk<T>.Steps; step++)
        {
            if (TryAsk(step, placement, minImport, out ImportAsk<T> ask) && !_space.ExceedsLimit(ask.Size) &&
                _source.TryImport(ask.Size, ask.Constraints, out T start, out T size))
            {
                CheckImport(ask.Size, start, size);
                if (placement.TryLowest(start, start + (size - T.One), out _))
                {
                    return new Segment<T>(start, size, SegmentKind.Span);
                }

                _source.Release(start, size);
                gaveBack = true;
            }
        }

        return default;
    }

    /// <summary>Takes the lock with an import at hand, which goes back if the arena has been disposed meanwhile. What is attached may be
    /// more than is needed, and what went back may serve others.</summary>
    private Visit<T> VisitWith(in Segment<T> import, bool gaveBack)
    {
        try
        {
            Visit<T> visit = _space.Visit(isOwnRelease: true);
            if (gaveBack || !T.IsZero(import.Size))
            {
                _space.NoteRoom(mayImport: gaveBack);
            }

            return visit;
        }
        catch when (!T.IsZero(import.Size))
        {
            _source.Release(import.Start, import.Size);
            throw;
        }
    }

    private void ReleaseUnused(in Segment<T> import)
    {
        if (!T.IsZero(import.Size))
        {
            _space.ReleaseLater(import);
        }
    }

    /// <summary>The minimum import; with quantum caches, whole slabs.</summary>
    private T MinImportFor(T size)
    {
        if (T.IsZero(_slabSize))
        {
            return _minImport;
        }

        T slabMask = _slabSize - T.One;
        T least = T.Max(size, _minImport);
        T slabs = (least + slabMask) & ~slabMask;
        return slabs < least ? _minImport : slabs;
    }

    /// <summary>A range that breaks the source's own contract goes back, and is an error: to go on asking would be to hide it.</summary>
    private void CheckImport(T asked, T start, T size)
    {
        string? fault =
            size < asked ? "less" :
            !T.IsZero((start | size) & (_space.Quantum - T.One)) ? $"not a multiple of the quantum {_space.Quantum}" :
            start + (size - T.One) < start ? "past the top of the type" : null;
        if (fault is not null)
        {
            _source.Release(start, size);
            throw new InvalidOperationException($"The source of arena '{_space.Name}' gave {size} at {start} when asked for {asked}: {fault}.");
        }
    }
}
