using System.Numerics;
using Vmem.Lending;

namespace Vmem.Space;

/// <summary>What an arena has of its source: how often it imported and released, and which of its imports are wholly free.</summary>
/// <remarks>
/// Wholly free imports are kept up to <see cref="ArenaOptions{T}.RetainedImport"/>. An arena whose use swings about a span's boundary
/// would otherwise import and release at every swing, as all known implementations do. What was kept for two intervals of the caches'
/// upkeep without being needed goes back. Under the arena's lock.
/// </remarks>
/// <param name="source">The source.</param>
/// <param name="retained">How much is kept; 0: one span; <see cref="ArenaOptions{T}.RetainNone"/>: nothing.</param>
/// <param name="membership">The arena's place among those who borrow from its source; null if the source does not ask for anything
/// back.</param>
/// <param name="borrower">The arena.</param>
internal sealed class ImportLedger<T>(IArenaSource<T> source, T retained, Membership? membership, IBorrower borrower)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly bool _keepsOne = T.IsZero(retained);
    private readonly T _most = retained == ArenaOptions<T>.RetainNone ? T.Zero : retained;
    private long _least;                          // the fewest empty spans in this interval
    private long _leastBefore;                    // in the one before

    public IArenaSource<T> Source { get; } = source;

    public Membership? Membership { get; } = membership;

    public long Imports { get; private set; }

    public long Releases { get; private set; }

    /// <summary>Imports that were revoked.</summary>
    public long Revocations { get; private set; }

    /// <summary>How many imports there are.</summary>
    public long Count => Imports - Releases - Revocations;

    /// <summary>The total size of the wholly free imports.</summary>
    public T Empty { get; private set; }

    /// <summary>How many there are.</summary>
    public long EmptySpans { get; private set; }

    /// <summary>Whether more is kept than should be: it was kept because somebody waited, or during a recall.</summary>
    public bool HasSurplus => IsWanted ? EmptySpans > 0 : _keepsOne ? EmptySpans > 1 : Empty > _most;

    /// <summary>An interval has ended.</summary>
    /// <returns>How many empty spans were kept all the while, in it and in the one before: nobody has needed them.</returns>
    public long EndInterval()
    {
        long idle = Math.Min(_least, _leastBefore);
        (_leastBefore, _least) = (_least, EmptySpans);
        return idle;
    }

    private bool IsWanted => Membership is not null && Membership.IsWanted;

    /// <summary>Whether a span of this size may be kept beside those that are. While somebody waits for room in the source, none
    /// is.</summary>
    public bool Keeps(T size) => !IsWanted && (_keepsOne ? EmptySpans == 0 : size <= _most && Empty <= _most - size);

    /// <summary>The arena has ended.</summary>
    public void Leave() => Membership?.Leave();

    /// <summary>A span came from the source.</summary>
    public void NoteImport() => Imports++;

    /// <summary>A span is wholly free, and is kept.</summary>
    public void NoteEmpty(T size)
    {
        Empty += size;
        EmptySpans++;
        _ = Membership?.TryNote(borrower);
    }

    /// <summary>A wholly free span is about to be used.</summary>
    public void NoteUsed(T size)
    {
        Empty -= size;
        EmptySpans--;
        _least = Math.Min(_least, EmptySpans);
    }

    /// <summary>A span that was not kept goes back to the source.</summary>
    /// <param name="isLost">It did not: it was revoked.</param>
    public void NoteGone(bool isLost)
    {
        Releases += isLost ? 0 : 1;
        Revocations += isLost ? 1 : 0;
    }
}
