using System.Runtime.CompilerServices;

namespace Vmem;

// Freeing by address: vmem_free and vmem_xfree. A free that cannot be right says what is wrong and changes nothing.
public sealed partial class Arena<T>
{
    /// <summary>Frees a range (vmem_free).</summary>
    /// <param name="start">The first value of the range, as it was allocated.</param>
    /// <param name="size">Its length; anything that rounds to the same number of quanta as the request did.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0, or its rounding overflows.</exception>
    /// <exception cref="InvalidFreeException">No such range is allocated; nothing was changed. Not found of a size that quantum caches keep,
    /// unless the arena is audited.</exception>
    /// <remarks>O(1), and O(log n) more for each index that the arena keeps. The range is coalesced with its free neighbours at once, unless
    /// a quantum cache keeps it.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(T start, T size)
    {
        if (size - T.One >= _frontMax || !TryReturnLoaded(start, size))
        {
            FreeSlowly(start, size);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeSlowly(T start, T size)
    {
        if (size - T.One < _frontMax)
        {
            FreeInFront(start, size);
            return;
        }

        FreeBehind(start, RoundUp(size));
    }

    /// <summary>Frees a segment, past whatever stands in front of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void FreeBehind(T start, T size)
    {
        Enter();
        if (!_map.HasReserve)
        {
            _map.ReserveToFree();
        }

        uint tag = _map.Delist(start, size);
        if (tag == 0)
        {
            tag = FindUnlistedOrExit(start, size);
            _map.Unbind(tag);
        }

        FreeAndExit(tag);
    }

    /// <summary>Frees a range that was allocated under constraints (vmem_xfree).</summary>
    /// <inheritdoc cref="Free(T, T)"/>
    public void FreeConstrained(T start, T size)
    {
        if (_audit is not null)
        {
            FreeSigned(start, RoundUp(size), AuditCall.FreeConstrained);
            return;
        }

        FreeBehind(start, RoundUp(size));
    }

    /// <summary>Frees a segment that has left its table or handle, gives the lock back, and a span to the source if enough are
    /// empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void FreeAndExit(uint tag)
    {
        if (_plain)
        {
            _ = _map.Free(tag);
            Exit();
            return;
        }

        FreeFollowedAndExit(tag);
    }

    /// <summary>The same in an arena that is not plain.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeFollowedAndExit(uint tag)
    {
        NoteFreed(tag);
        uint free = _map.Free(tag);
        Segment<T> release = default;
        bool detached = _source is not null && TryDetachEmptyImport(free, out release);
        bool followed = _followed;
        Exit();
        if (detached)
        {
            _source!.Release(release.Start, release.Size);
        }

        if (followed)
        {
            RoomMayHaveCome();
        }
    }

    /// <summary>What <see cref="FindUnlisted"/> does; if that throws, the lock is given back.</summary>
    private uint FindUnlistedOrExit(T start, T size)
    {
        try
        {
            return FindUnlisted(start, size);
        }
        catch
        {
            Exit();
            throw;
        }
    }

    /// <summary>A free that the table of live segments does not know: a range that was allocated by handle, or a mistake.</summary>
    private uint FindUnlisted(T start, T size)
    {
        uint index = _map.Locate(start, buildIndex: false);
        if (index == 0)
        {
            throw InvalidFree(InvalidFreeReason.NotAllocated, start, size, $"{start} is in no span of it.");
        }

        if (_map.SlabOf(index) != 0)
        {
            throw ExplainSlab(index, start, size);
        }

        Segment<T> segment = _map.GetSegment(index);
        if (segment.Kind == SegmentKind.Free)
        {
            throw InvalidFree(InvalidFreeReason.AlreadyFree, start, size, $"{start} is free: it lies in a free segment of {segment.Size} at {segment.Start}. It was freed before, or never allocated.");
        }

        if (segment.Start != start)
        {
            throw InvalidFree(InvalidFreeReason.InteriorAddress, start, size, $"{start} lies inside an allocation of {segment.Size} at {segment.Start}.");
        }

        if (segment.Size != size)
        {
            throw InvalidFree(InvalidFreeReason.WrongSize, start, size, $"The allocation at {start} has size {segment.Size}.");
        }

        return index;
    }

    private InvalidFreeException ExplainSlab(uint index, T start, T size)
    {
        (T rangeStart, T rangeSize, bool isOut) = _caches!.Slabs.RangeAt(_map.SlabOf(index), start);
        return
            !isOut ? InvalidFree(InvalidFreeReason.AlreadyFree, start, size, $"{start} is free: it lies in a slab of the quantum caches.") :
            rangeStart != start ? InvalidFree(InvalidFreeReason.InteriorAddress, start, size, $"{start} lies inside a range of {rangeSize} at {rangeStart}.") :
            rangeSize != size ? InvalidFree(InvalidFreeReason.WrongSize, start, size, $"The range at {start} has size {rangeSize}.") :
            InvalidFree(InvalidFreeReason.OtherOwner, start, size, "It belongs to the quantum caches: free it with Free.");
    }

    private InvalidFreeException InvalidFree(InvalidFreeReason reason, T start, T size, string detail) => new(
        reason,
        UInt128.CreateTruncating(start),
        UInt128.CreateTruncating(size),
        $"Arena '{Name}' was asked to free {size} at {start}. {detail} Nothing was changed.{(_audit is null ? "" : TellStory(start))}");
}
