using System.Runtime.ExceptionServices;
using Vmem.Segments;

namespace Vmem;

// Giving back: empty imports to the source, and, as somebody's source, taking back what was lent.
public sealed partial class Arena<T>
{
    /// <summary>Empties the quantum caches, and gives all wholly free imports back to the source (vmem_qcache_reap).</summary>
    /// <returns>How much went back: to the source, or, in an arena without one, from the caches to the free segments.</returns>
    /// <remarks>O(spans), and O(1) for each range and slab of the caches.</remarks>
    public T Reap()
    {
        T emptied = EmptyCaches(out T released);
        _caches?.DropEmpty();
        released += ReapImports();
        return _source is null ? emptied : released;
    }

    private T ReapImports()
    {
        List<Segment<T>> release;
        T total = T.Zero;
        Enter();
        try
        {
            if (_retainedSpans == 0)
            {
                return T.Zero;
            }

            release = [];
            CollectImports(release, emptyOnly: true);
            foreach (Segment<T> span in release)
            {
                _map.RemoveSpan(_map.FindSpan(span.Start, out _, out _));
                _recorder?.Removed(span.Start, span.Size);
                total += span.Size;
            }

            _releases += release.Count;
            _retained = T.Zero;
            RetainedSpans = 0;
        }
        finally
        {
            Exit();
        }

        try
        {
            ReleaseAll(release);
        }
        finally
        {
            if (Volatile.Read(ref _followed))
            {
                RoomMayHaveCome(echo: true);
            }
        }

        return T.IsZero(total) ? T.MaxValue : total;
    }

    private void CollectImports(List<Segment<T>> imports, bool emptyOnly)
    {
        uint span = _map.FindSpanFrom(T.Zero, out T start, out T size);
        while (span != 0)
        {
            if (_map.IsImported(span) && (!emptyOnly || _map.IsWhollyFree(span)))
            {
                imports.Add(new Segment<T>(start, size, SegmentKind.Span));
            }

            T last = start + (size - T.One);
            span = last == T.MaxValue ? 0 : _map.FindSpanFrom(last + T.One, out start, out size);
        }
    }

    /// <summary>Releases every span, also when the source throws at one of them; the first exception is thrown in the end.</summary>
    private void ReleaseAll(List<Segment<T>>? spans)
    {
        if (spans is null)
        {
            return;
        }

        ExceptionDispatchInfo? first = null;
        foreach (Segment<T> span in spans)
        {
            try
            {
                _source!.Release(span.Start, span.Size);
            }
            catch (Exception e)
            {
                first ??= ExceptionDispatchInfo.Capture(e);
            }
        }

        first?.Throw();
    }

    /// <inheritdoc/>
    bool IArenaSource<T>.TryImport(T size, in RangeConstraints<T> constraints, out T start, out T imported)
    {
        imported = RoundUp(size);
        if (_audit is not null)
        {
            CheckConstraints(imported, constraints);
            return TryImportSigned(imported, constraints, out start);
        }

        return constraints == default
            ? TryAllocate(size, _policy, out start)
            : TryAllocateConstrained(size, constraints, _policy, out start);
    }

    /// <inheritdoc/>
    void IArenaSource<T>.Release(T start, T size) => TakeBack(start, size);

    /// <summary>Frees a range whichever way it was allocated.</summary>
    private void TakeBack(T start, T size)
    {
        if (_audit is not null)
        {
            FreeSigned(start, RoundUp(size), AuditCall.Release);
            return;
        }

        Free(start, size);
    }
}
