using Vmem.Checks;
using Vmem.Importing;
using Vmem.Ranges;
using Vmem.Space;
using Vmem.Waiting;

namespace Vmem;

// An arena as the source of others, and what it does for those who wait in it.
public sealed partial class Arena<T> : IPossibleSource<T>, ISupply<T>
{
    /// <inheritdoc/>
    bool ISupply<T>.CanImport => _importer is not null;

    /// <inheritdoc/>
    bool ISupply<T>.AsksOthers => _space.Source is Arena<T> below ? ((ISupply<T>)below).AsksOthers : _space.Source is not (null or BuddyAllocator<T>);

    /// <inheritdoc/>
    long ISupply<T>.Removals => _possibility.Removals;

    /// <inheritdoc/>
    long IPossibleSource<T>.Removals => _possibility.Removals;

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
    void IArenaSource<T>.Release(T start, T size)
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
    void INotifyingArenaSource<T>.Subscribe(Action mayHaveRoom) => _room.Subscribe(mayHaveRoom);

    /// <inheritdoc/>
    void INotifyingArenaSource<T>.Unsubscribe(Action mayHaveRoom) => _room.Unsubscribe(mayHaveRoom);

    /// <inheritdoc/>
    bool IPossibleSource<T>.CouldHold(in Placement<T> placement) => _possibility.CouldHold(placement);

    /// <inheritdoc/>
    bool IPossibleSource<T>.CouldGive(in ImportAsk<T> ask) => _possibility.CouldGive(ask);

    /// <inheritdoc/>
    bool ISupply<T>.IsWatched => _caches is null || _caches.IsWatched || _space.HasEnded;

    /// <inheritdoc/>
    void ISupply<T>.Watch() => _caches?.Watch();

    /// <inheritdoc/>
    bool ISupply<T>.TryTakeBackLent(ref Conclusion end) => _caches is not null && _caches.TryTakeBackLent(ref end);

    /// <inheritdoc/>
    Segment<T> ISupply<T>.Import(in Request<T> request) => _importer!.ImportOrReap(request.Placement);

    /// <inheritdoc/>
    string? ISupply<T>.WhyNever(in Request<T> request) =>
        _possibility.IsPossible(request.Placement) ? null : _possibility.NeverFits(request.Size);

    /// <inheritdoc/>
    FitReport<T> ISupply<T>.Explain(in Request<T> request) => Report(request.Placement);
}
