using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Importing;
using Vmem.Lending;
using Vmem.Ranges;
using Vmem.Space;
using Vmem.Waiting;

namespace Vmem;

// An arena as the source of others, and what it does for those who wait in it.
public sealed partial class Arena<T> : ISeekingArenaSource<T>, ILender<T>, ISupply<T>, ILoanSource<T>
{
    /// <inheritdoc/>
    bool ISupply<T>.CanImport => _importer is not null;

    /// <inheritdoc/>
    bool ISupply<T>.AsksOthers =>
        _space.Source is Arena<T> below ? below._space.IsShared && ((ISupply<T>)below).AsksOthers
            : _space.Source is SharedSource<T> or not (null or ILoanSource);

    /// <inheritdoc/>
    bool IArenaSource<T>.TryImport(T size, in RangeConstraints<T> constraints, out T start, out T imported)
    {
        RangeConstraints<T> mine = constraints;   // the caller's variable may change under us
        imported = _space.RoundUp(size);
        if (mine == default && _space.Auditor is null)
        {
            return TryAllocate(size, _policy, out start);
        }

        bool met = TryMeet(Ask(imported, mine, _policy, RequestKind.Segment, AuditCall.Import), out Grant<T> grant);
        start = grant.Start;
        return met;
    }

    /// <inheritdoc/>
    /// <remarks>An arena above may not know yet that what it gives back was revoked.</remarks>
    void IArenaSource<T>.Release(T start, T size)
    {
        try
        {
            FreeWhoever(start, size);
        }
        catch (InvalidFreeException e) when (e.Reason == InvalidFreeReason.Revoked)
        {
        }
    }

    /// <summary>Frees a range by whichever call it was allocated.</summary>
    private void FreeWhoever(T start, T size)
    {
        if (_space.Auditor is null)
        {
            Free(start, size);
        }
        else
        {
            _space.Free(start, _space.RoundUp(size), AuditCall.Release);
        }
    }

    /// <inheritdoc/>
    ValueTask<T?> ISeekingArenaSource<T>.SeekAsync(T size, T first, T last, CancellationToken cancellationToken) =>
        new PlaceSeeker<T>(GetSegments, Quantum, _space.NamedSource).SeekAsync(_space.RoundUp(size), first, last, cancellationToken);

    /// <inheritdoc/>
    void INotifyingArenaSource<T>.Subscribe(Action mayHaveRoom) => Room().Subscribe(mayHaveRoom);

    /// <inheritdoc/>
    void INotifyingArenaSource<T>.Unsubscribe(Action mayHaveRoom) => _room?.Unsubscribe(mayHaveRoom);

    /// <inheritdoc/>
    bool ILender<T>.CouldLend(in Placement<T> need, T unit) => new Possibility<T>(_space, _importer).IsPossible(need, unit);

    /// <inheritdoc/>
    T ILender<T>.LongestLoan => LongestFree(below: _importer?.LongestImport ?? T.Zero);

    /// <inheritdoc/>
    bool ILender<T>.TryLend(in Placement<T> need, in ImportTerms<T> terms, out Segment<T> loan)
    {
        AuditSite? site = _space.Auditor?.Sign(AuditCall.Import);
        bool mayBeCached = site is null && need.IsUnconstrained && T.IsZero(terms.Preferred);
        var request = new Request<T>(need, _policy, mayBeCached ? RequestKind.Range : RequestKind.Segment, site, terms);
        bool met = TryMeet(request, out Grant<T> grant);
        loan = new Segment<T>(grant.Start, grant.Size, SegmentKind.Span);
        return met;
    }

    /// <inheritdoc/>
    bool ISupply<T>.IsWatched => _caches is null || _caches.IsWatched || _space.HasEnded;

    /// <inheritdoc/>
    void ISupply<T>.Watch() => _caches?.Watch();

    /// <inheritdoc/>
    bool ISupply<T>.TryTakeBackLent(ref Conclusion end)
    {
        bool isTakenBack = _caches is not null && _caches.TryTakeBackLent(ref end);
        return _space.CutAllRests(ref end) || isTakenBack;
    }

    /// <inheritdoc/>
    Segment<T> ISupply<T>.Import(in Request<T> request) => _importer!.Import(request);

    /// <inheritdoc/>
    Borrowers ILoanSource.Borrowers => _space.Borrowers;

    /// <inheritdoc/>
    bool ILoanSource<T>.Drains(T value) => _space.MayDrain(value);

    /// <inheritdoc/>
    string? ISupply<T>.WhyNever(in Request<T> request)
    {
        Possibility<T> possibility = new(_space, _importer);
        return possibility.IsPossible(request.Placement, T.Zero) ? null : possibility.NeverFits(request.Size);
    }

    /// <inheritdoc/>
    FitReport<T> ISupply<T>.Explain(in Request<T> request) => Report(request.Placement);
}
