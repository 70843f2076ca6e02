using System.Numerics;
using Vmem.Diagnostics;

namespace Vmem.Space;

/// <summary>What is wrong with a free that the table of live segments does not know: the ladder of mistakes, and their messages.</summary>
/// <remarks>Under the lock; changes nothing.</remarks>
internal readonly struct FreeCheck<T>(Space<T> space)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>The segment to free by its address, which was allocated by handle.</summary>
    /// <exception cref="InvalidFreeException">It is no such segment.</exception>
    public uint Find(T start, T size, AuditSite? site = null)
    {
        uint index = space.Map.Locate(start);
        if (index == 0 && space.Withheld.IsRevoked(start))
        {
            throw Wrong(InvalidFreeReason.Revoked, start, size, $"{start} lay in an import that was revoked.", site);
        }

        if (index == 0)
        {
            throw Wrong(InvalidFreeReason.NotAllocated, start, size, $"{start} is in no span of it.", site);
        }

        uint slab = space.Map.SlabOf(index);
        if (slab != 0)
        {
            throw ExplainSlab(slab, start, size);
        }

        Segment<T> segment = space.Map.GetSegment(index);
        if (segment.Kind == SegmentKind.Free)
        {
            throw Wrong(InvalidFreeReason.AlreadyFree, start, size, $"{start} is free: it lies in a free segment of {segment.Size} at {segment.Start}. It was freed before, or never allocated.", site);
        }

        if (segment.Kind == SegmentKind.Resting)
        {
            throw Wrong(InvalidFreeReason.AlreadyFree, start, size, $"{start} rests: it lies in a range of {segment.Size} at {segment.Start} that was freed before, and becomes free later.", site);
        }

        if (segment.Kind == SegmentKind.Draining)
        {
            throw Wrong(InvalidFreeReason.AlreadyFree, start, size, $"{start} is free: it lies in {segment.Size} at {segment.Start} that nobody holds, in a span that drains. It was freed before, or never allocated.", site);
        }

        if (segment.Start != start)
        {
            throw Wrong(InvalidFreeReason.InteriorAddress, start, size, $"{start} lies inside an allocation of {segment.Size} at {segment.Start}.", site);
        }

        if (segment.Size != size)
        {
            throw Wrong(InvalidFreeReason.WrongSize, start, size, $"The allocation at {start} has size {segment.Size}.", site);
        }

        return index;
    }

    /// <summary>The size of the range that begins there.</summary>
    /// <exception cref="InvalidFreeException">None does.</exception>
    public T FindSize(T start, AuditSite? site)
    {
        uint index = space.Map.Locate(start);
        uint slab = index == 0 ? 0 : space.Map.SlabOf(index);
        if (slab != 0)
        {
            (T rangeStart, T size, bool isOut) = space.Caches!.RangeAt(slab, start);
            return isOut && rangeStart == start ? size : throw ExplainSlab(slab, start, T.Zero);
        }

        Segment<T> segment = index == 0 ? default : space.Map.GetSegment(index);
        if (segment.Kind != SegmentKind.Allocated || segment.Start != start)
        {
            _ = Find(start, T.Zero, site);        // says what is wrong
        }

        return segment.Size;
    }

    /// <summary>In an audited arena: a range is freed by the call that goes with the one that allocated it.</summary>
    /// <exception cref="InvalidFreeException">It is not.</exception>
    public void CheckCall(T start, T size, AuditSite site)
    {
        uint tag = space.Map.FindLive(start);
        if (tag == 0 || space.Map.GetSegment(tag).Size != size)
        {
            return;
        }

        AuditSite owner = space.Auditor![tag].Owner!;
        if (!owner.GoesWith(site.Call))
        {
            string right = owner.Call == AuditCall.AllocateConstrained ? "FreeConstrained" : "Free";
            throw Wrong(InvalidFreeReason.WrongCall, start, size, $"The range was allocated with {owner.Call}; it is freed with {right}, not with {site.Call}.", site);
        }
    }

    /// <summary>A handle that holds nothing.</summary>
    public InvalidFreeException ExplainHandle(in RangeHandle<T> handle, AuditSite? site) => handle.Generation == 0
        ? Wrong(InvalidFreeReason.NotAllocated, handle.Start, handle.Size, "The handle is the default one, which holds nothing.", site)
        : space.Map.Locate(handle.Start) == 0 && space.Withheld.IsRevoked(handle.Start)
        ? Wrong(InvalidFreeReason.Revoked, handle.Start, handle.Size, "The handle is stale: what it held was revoked, or freed before.", site)
        : Wrong(InvalidFreeReason.AlreadyFree, handle.Start, handle.Size, "The handle is stale: what it held has been freed, or revoked.", site);

    /// <summary>One handle of a batch that holds nothing.</summary>
    public InvalidFreeException ExplainHandles(in RangeHandle<T> handle, int index, int count, AuditSite? site)
    {
        InvalidFreeException wrong = ExplainHandle(handle, site);
        return new InvalidFreeException(wrong.Reason, wrong.Start, wrong.Size, $"Handle {index} of {count}, which may appear twice: {wrong.Message}");
    }

    /// <summary>One range of a batch.</summary>
    public InvalidFreeException ExplainBatch(T start, int index, int count, T size, AuditSite? site)
    {
        string place = $"Range {index} of {count}:";
        try
        {
            uint tag = Find(start, size, site);
            return space.Map.IsByHandle(tag)
                ? Wrong(InvalidFreeReason.OtherOwner, start, size, $"{place} it belongs to a handle; free it by that.", site)
                : Wrong(InvalidFreeReason.AlreadyFree, start, size, $"{place} it appears twice.", site);
        }
        catch (InvalidFreeException e)
        {
            return new InvalidFreeException(e.Reason, e.Start, e.Size, $"{place} {e.Message}");
        }
    }

    public InvalidFreeException Wrong(InvalidFreeReason reason, T start, T size, string detail, AuditSite? site = null) => new(
        reason,
        UInt128.CreateTruncating(start),
        UInt128.CreateTruncating(size),
        $"Arena '{space.Name}' was asked to free {(T.IsZero(size) ? "what begins" : $"{size}")} at {start}. {detail} Nothing was changed.{space.Auditor?.TellStory(space.Map.Locate(start), start, site)}");

    private InvalidFreeException ExplainSlab(uint slab, T start, T size)
    {
        (T rangeStart, T rangeSize, bool isOut) = space.Caches!.RangeAt(slab, start);
        return
            !isOut ? Wrong(InvalidFreeReason.AlreadyFree, start, size, $"{start} is free: it lies in a slab of the quantum caches.") :
            rangeStart != start ? Wrong(InvalidFreeReason.InteriorAddress, start, size, $"{start} lies inside a range of {rangeSize} at {rangeStart}.") :
            rangeSize != size ? Wrong(InvalidFreeReason.WrongSize, start, size, $"The range at {start} has size {rangeSize}.") :
            Wrong(InvalidFreeReason.OtherOwner, start, size, "It belongs to the quantum caches: free it with Free.");
    }
}
