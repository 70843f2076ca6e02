using System.Numerics;

namespace Vmem.Space;

/// <summary>Where an arena gives nothing, or takes nothing back: spans that drain, and imports that were revoked.</summary>
/// <remarks>
/// Changes under the arena's lock; arrays that never change are read without it. What was revoked is remembered until it is imported
/// again, <see cref="MostRevoked"/> spans at most: the oldest is forgotten first.
/// </remarks>
internal sealed class WithheldRanges<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>Arbitrary; a free of a cached size looks at all of them.</summary>
    private const int MostRevoked = 64;

    private Segment<T>[] _drains = [];            // and for a moment some more
    private Segment<T>[] _revoked = [];           // the latest last; also while they are on their way out
    private Segment<T>[] _all = [];
    private Segment<T>[] _early = [];             // revoked before they came

    /// <summary>All of them.</summary>
    public Segment<T>[] All => Volatile.Read(ref _all);

    /// <summary>The spans that drain.</summary>
    public Segment<T>[] Drains => Volatile.Read(ref _drains);

    /// <summary>Whether anything that was revoked is remembered.</summary>
    public bool HasRevoked => _revoked.Length > 0;

    /// <summary>Whether a value lies in a span that drains.</summary>
    public bool DrainAt(T value) => Lies(Drains, value);

    /// <summary>Whether a value lies in an import that was revoked.</summary>
    public bool IsRevoked(T value) => Lies(Volatile.Read(ref _revoked), value);

    /// <summary>Whether a value lies in one of some ranges.</summary>
    public static bool Lies(Segment<T>[] ranges, T value)
    {
        foreach (ref readonly Segment<T> range in ranges.AsSpan())
        {
            if (value - range.Start < range.Size)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>These spans drain. Throws <see cref="OutOfMemoryException"/>, having changed nothing.</summary>
    public void SetDrains(Segment<T>[] drains) => Set(drains, _revoked);

    /// <summary>An import is revoked. As above.</summary>
    /// <param name="import">The import.</param>
    /// <param name="isGone">Whether one of before has gone, and may be forgotten.</param>
    public void NoteRevoked(in Segment<T> import, Predicate<Segment<T>> isGone)
    {
        if (!IsRevoked(import.Start))
        {
            int oldest = _revoked.Length < MostRevoked ? -1 : Array.FindIndex(_revoked, isGone);
            Set(_drains, [.. _revoked.Where((_, place) => place != oldest), import]);
        }
    }

    /// <summary>A span came: what was revoked there is another's by now. As above.</summary>
    public void Forget(in Segment<T> span)
    {
        T start = span.Start;
        T size = span.Size;
        Set(_drains, Array.FindAll(_revoked, range => !(range.Start - start < size || start - range.Start < range.Size)));
    }

    /// <summary>An import was revoked that may be on its way: it must not be added.</summary>
    /// <param name="import">The import; its tag says which ask of the source was the latest by then.</param>
    public void NoteEarly(in Segment<T> import) =>
        _early = [.. _early.AsSpan(Math.Max(0, _early.Length + 1 - MostRevoked)), import];

    /// <summary>Whether that has happened to one that comes.</summary>
    public bool IsEarly(in Segment<T> import)
    {
        foreach (ref readonly Segment<T> early in _early.AsSpan())
        {
            if (early.Start == import.Start && early.Size == import.Size && import.Tag <= early.Tag)
            {
                return true;
            }
        }

        return false;
    }

    private void Set(Segment<T>[] drains, Segment<T>[] revoked)
    {
        Segment<T>[] all = [.. drains, .. revoked];
        Volatile.Write(ref _all, all);            // first: who has seen a longer list only looks more closely
        Volatile.Write(ref _drains, drains);
        Volatile.Write(ref _revoked, revoked);
    }
}
