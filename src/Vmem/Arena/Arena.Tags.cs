using Vmem.Space;

namespace Vmem;

// Tags of ranges.
public sealed partial class Arena<T>
{
    /// <summary>Changes the tag of a live range, of an arena that keeps tags.</summary>
    /// <param name="start">Where the range starts.</param>
    /// <param name="tag">Whatever the caller likes; 0: nothing.</param>
    /// <returns>False, and nothing is changed, if no live range starts there, or if it came from a quantum cache.</returns>
    /// <exception cref="InvalidOperationException">The arena keeps no tags: <see cref="ArenaOptions{T}.Tagged"/>.</exception>
    /// <remarks>O(1); of a range that was allocated by handle as <see cref="TryGetSegment"/>.</remarks>
    public bool SetTag(T start, ulong tag)
    {
        CheckTagged();
        _space.Approach(start);
        using Visit<T> visit = _space.Visit();
        uint index = _space.Map.Locate(start);
        bool isStart = index != 0 && _space.Map.GetSegment(index) is { Kind: SegmentKind.Allocated } segment && segment.Start == start;
        return isStart && _space.TrySetTag(index, tag);
    }

    /// <summary>The same of a range that is held by a handle.</summary>
    /// <param name="handle">The handle.</param>
    /// <param name="tag">Whatever the caller likes; 0: nothing.</param>
    /// <returns>False, and nothing is changed, if the handle holds nothing.</returns>
    /// <exception cref="InvalidOperationException">The arena keeps no tags: <see cref="ArenaOptions{T}.Tagged"/>.</exception>
    /// <remarks>O(1).</remarks>
    public bool SetTag(in RangeHandle<T> handle, ulong tag)
    {
        CheckTagged();
        RangeHandle<T> mine = handle;             // the caller's variable may change under us
        using Visit<T> visit = _space.Visit();
        return _space.Map.IsBound(mine) && _space.TrySetTag(mine.Tag, tag);
    }

    private void CheckTagged()
    {
        if (!_space.IsTagged)
        {
            throw new InvalidOperationException($"Arena '{Name}' keeps no tags: ArenaOptions.Tagged is not set.");
        }
    }
}
