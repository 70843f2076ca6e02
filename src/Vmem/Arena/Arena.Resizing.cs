using Vmem.Segments;

namespace Vmem;

// Changing the size of a range in place.
public sealed partial class Arena<T>
{
    /// <summary>Makes an allocated range longer or shorter without moving it.</summary>
    /// <param name="start">The first value of the range.</param>
    /// <param name="oldSize">Its length; anything that rounds to the same number of quanta as the request did.</param>
    /// <param name="newSize">The length it shall have, rounded up to the quantum.</param>
    /// <returns>False, and nothing is changed, if what follows the range is not free or too short. Shrinking always succeeds.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A size is 0, or its rounding overflows.</exception>
    /// <exception cref="InvalidFreeException">No such range is allocated.</exception>
    /// <remarks>O(1), and O(log n) more for each index that the arena keeps. A handle to the range stays good, though its
    /// <see cref="RangeHandle{T}.Size"/> does not follow. A range of a size that quantum caches keep becomes a segment of its own first, for
    /// which the caches of all threads stand still.</remarks>
    public bool TryExtend(T start, T oldSize, T newSize)
    {
        oldSize = RoundUp(oldSize, nameof(oldSize));
        newSize = RoundUp(newSize, nameof(newSize));
        if (_audit is not null)
        {
            return TryExtendSigned(start, oldSize, newSize);
        }

        return TryExtendBehind(start, oldSize, newSize, emptied: false) || (_caches is not null && newSize > oldSize && TryExtendBehind(start, oldSize, newSize, emptied: true));
    }

    /// <param name="start">The first value of the range.</param>
    /// <param name="oldSize">Its length, rounded.</param>
    /// <param name="newSize">The length it shall have, rounded.</param>
    /// <param name="emptied">Whether the caches are emptied first: what follows the range may lie in one.</param>
    private bool TryExtendBehind(T start, T oldSize, T newSize, bool emptied)
    {
        List<Segment<T>>? releases = null;
        bool followed = false;
        bool frozen = emptied || (_caches is not null && oldSize - T.One < _frontMax);
        if (emptied)
        {
            _ = EnterEmptied(ref releases);
        }
        else if (frozen)
        {
            EnterFrozen();
        }
        else
        {
            Enter();
        }

        try
        {
            if (frozen && !emptied && _caches!.Contains(start, ClassOf(oldSize)))
            {
                throw InvalidFree(InvalidFreeReason.AlreadyFree, start, oldSize, $"{start} is free: it lies in a quantum cache.");
            }

            LeaveSlab(start, oldSize, ref releases);
            _map.Reserve();
            uint tag = _map.FindLive(start);
            if (tag == 0 || _map.SlabOf(tag) != 0 || _map.GetSegment(tag).Size != oldSize)
            {
                tag = FindUnlisted(start, oldSize);
            }

            bool done = _map.TryResize(tag, newSize);
            NotePeak();
            if (done && newSize != oldSize)
            {
                _audit?.NoteResized(tag, newSize);
                _recorder?.Resized(start, newSize);
            }

            followed = _followed && newSize < oldSize;
            return done;
        }
        finally
        {
            if (frozen)
            {
                ExitFrozen();
            }
            else
            {
                Exit();
            }

            ReleaseAll(releases);
            if (followed || (emptied && Volatile.Read(ref _followed)))
            {
                RoomMayHaveCome();
            }
        }
    }
}
