using System.Numerics;
using Vmem.Space;

namespace Vmem.Caching;

/// <summary>How quantum caches work while requests wait: closed, but not empty.</summary>
/// <remarks>
/// <para>
/// A waiting request must see every range that is freed, and a thread must not pay for it when it takes and frees one range again and
/// again. So a watched cache is <em>closed</em>: it is drained, and from then on nothing comes in without the gate. What threads have is
/// taken as ever. A free comes below, under the arena's lock, and has one of three ends there.
/// </para>
/// <list type="number">
/// <item>The first that waits wants a range of just this size: it is <em>handed over</em>. The segments do not change, and the second that
/// waits need not be tried if he wants the same.</item>
/// <item>The first that waits could not be met, whatever else the caches hold: the range is <em>lent</em> to the magazine of the thread
/// that frees it. That thread may take it and put it back without the lock, but nothing else in its place
/// (<see cref="MagazinePair{TItem}.TryPutBack"/>).</item>
/// <item>Else it goes to the segments, and those who wait are tried.</item>
/// </list>
/// <para>
/// <b>Why nothing is missed.</b> At any time the first that waits does not fit into what the segments have free together with all that is
/// lent, whether it lies in a magazine or with a caller. Taking makes that less, and putting back what is lent leaves it the same. A range
/// is lent only if the run of free and lent segments around it is too short. After everything else that makes room, the first that waits is
/// tried; so it is after the one before it has left. If it fails while anything is lent, the caches are drained and it is tried again
/// (<see cref="QuantumCaches{T}.TryTakeBackLent"/>). So they are when an arena above begins to listen, which any room may help; from then
/// on nothing is lent.
/// </para>
/// <para>
/// <b>The source.</b> Whoever waits for room in the source, or below it, must see every range that is freed here, too: then the caches are
/// closed, nothing is lent, and what becomes an empty import goes back.
/// </para>
/// <para>
/// <b>Who pays.</b> To drain stops the threads for some microseconds, about as much as a hundred frees below; for much longer where a
/// thread has lost its processor. So after a drain, lending begins again only after some frees, twice as many each time, up to
/// <see cref="MostPatience"/>. In the same way closed caches open again at the first free after the last wait, then at the second, and so
/// on up to <see cref="MostFreesClosed"/>; every interval of the upkeep begins anew. The cost stays within some times of what the better
/// choice would have cost. The numbers are arbitrary within that reason.
/// </para>
/// <para>
/// <b>Shortage.</b> A request that nothing but a drain could meet closes the caches that it drained, too. A pool of few ranges would
/// otherwise lie in the magazines of one thread while another drains them, and the other way round.
/// </para>
/// <para>
/// Rejected: caches that keep nothing while anybody waits. One waiter for a large range then made every pair of operations forty times as
/// dear, and each wait froze all threads twice. Rejected: caches that stay open, and a look at them in intervals; a waiter would then be
/// woken by the clock. Rejected: any range in the place of the one that was lent; a thread that takes one and frees another may have made
/// the room that is waited for.
/// </para>
/// <para>Everything is under the arena's lock, but for what says that it is a hint.</para>
/// </remarks>
internal sealed class CacheWatch<T>(Space<T> space)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>See "who pays".</summary>
    private const int MostPatience = 128;

    /// <summary>See "who pays". In an arena of one thread 0: there is nobody to be stopped.</summary>
    private const int MostFreesClosed = 4_096;

    /// <summary>How many ranges are lent at most: bounds the set. Arbitrary.</summary>
    private const int MostLent = 1_024;

    private readonly HashSet<T> _lent = [];       // where they start
    private bool _isOn;
    private int _patience = 1;
    private int _freesBeforeLending;
    private int _freesClosed;                     // for how many frees after the last wait they stay so
    private int _freesBeforeOpening;

    /// <summary>Whether the caches are closed. A hint where the lock is not held.</summary>
    public bool IsOn => Volatile.Read(ref _isOn);

    /// <summary>Whether it is worth the gate to ask whether a range may be lent. A hint.</summary>
    public bool MayLend => IsOn && space.IsWatched && Volatile.Read(ref _freesBeforeLending) <= 0 && !space.IsWanted;

    /// <summary>Whether anything is lent. Without the lock, what the same thread has seen to be lent.</summary>
    public bool HasLent => _lent.Count > 0;

    /// <summary>Whether it is worth the lock to ask whether the caches may open. A hint.</summary>
    public bool MayEnd => Volatile.Read(ref _freesBeforeOpening) <= 0 && !space.IsWatched && !space.IsWanted;

    /// <summary>All caches have been drained and closed.</summary>
    public void Begin()
    {
        NoteShortage();
        _patience = 1;
        _freesBeforeLending = 0;
        Volatile.Write(ref _isOn, true);
    }

    /// <summary>Some caches have been drained and closed.</summary>
    public void NoteShortage()
    {
        space.AssertHeld();
        _freesBeforeOpening = _freesClosed;
        _freesClosed = space.IsShared ? Math.Clamp(2 * _freesClosed, 1, MostFreesClosed) : 0;
    }

    /// <summary>All caches are about to be opened.</summary>
    /// <returns>False if they may not be.</returns>
    public bool TryEnd()
    {
        space.AssertHeld();
        if (!MayEnd)
        {
            return false;
        }

        Volatile.Write(ref _isOn, false);
        return true;
    }

    /// <summary>An interval has ended: what was short in it is forgotten.</summary>
    public void EndInterval() => Volatile.Write(ref _freesClosed, 0);

    /// <summary>The caches have been drained: nothing is lent.</summary>
    public void NoteDrained()
    {
        space.AssertHeld();
        if (_lent.Count > 0)
        {
            _lent.Clear();
            _patience = Math.Min(2 * _patience, MostPatience);
            _freesBeforeLending = _patience;
        }
    }

    /// <summary>A range was handed over: here they want what is freed.</summary>
    public void NoteHandOver() => _freesBeforeLending = _patience;

    /// <summary>A range comes below.</summary>
    public void NoteFree()
    {
        space.AssertHeld();
        _freesBeforeLending -= _freesBeforeLending > 0 ? 1 : 0;
        _freesBeforeOpening -= _freesBeforeOpening > 0 ? 1 : 0;
    }

    /// <summary>Lends a segment that a caller frees, if that helps nobody who waits.</summary>
    /// <returns>False if it might.</returns>
    public bool TryLend(T start, T size)
    {
        space.AssertHeld();
        bool isLent = !space.IsWanted && !space.Map.Drains(start) && IsSegment(start, size) &&
            (_lent.Contains(start) || (_lent.Count < MostLent && HelpsNobody(start)));
        if (isLent)
        {
            _ = _lent.Add(start);
        }
        else
        {
            _freesBeforeLending = _patience;
        }

        return isLent;
    }

    /// <summary>Whether it is a segment of its own, shorter than what is waited for, in an arena that nobody records.</summary>
    private bool IsSegment(T start, T size)
    {
        uint tag = _isOn && space.Recorder is null && size < space.Needed ? space.Map.FindLive(start) : 0;
        return tag != 0 && space.Map.SlabOf(tag) == 0 && space.Map.GetSegment(tag).Size == size;
    }

    private bool HelpsNobody(T start) => !space.Map.CouldLieAround(space.Map.FindLive(start), space.Needed, _lent);
}
