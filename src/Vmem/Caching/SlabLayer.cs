using System.Numerics;
using Vmem.Checks;
using Vmem.Ranges;
using Vmem.Segments;
using Vmem.Space;

namespace Vmem.Caching;

/// <summary>Below the magazines: ranges from slabs, and how slabs come from segments and become segments again.</summary>
/// <remarks>Under the arena's lock, every method.</remarks>
internal sealed class SlabLayer<T>(Space<T> space, RangeSlabs<T> slabs, RangeStates<T>? states, FitPolicy policy, int classes)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>Takes a range from a slab, if need be from a new one.</summary>
    public bool TryTake(int sizeClass, T size, bool mayAdd, out T start)
    {
        space.AssertHeld();
        if (!slabs.TryTake(sizeClass, out start) && !(mayAdd && TryAdd(sizeClass) && slabs.TryTake(sizeClass, out start)))
        {
            return false;
        }

        space.NoteIdle(slabs.Idle);
        space.NoteRangeTaken(start, size);
        return true;
    }

    /// <summary>Whether a range is out, or a segment of its own that is found by its address.</summary>
    public bool IsOut(T start, T size, int sizeClass)
    {
        space.AssertHeld();
        uint slab = slabs.Find(start);
        if (slab != 0 && slabs.IsOut(slab, start, sizeClass))
        {
            return true;
        }

        uint tag = space.Map.FindLive(start);
        return tag != 0 && space.Map.SlabOf(tag) == 0 && space.Map.GetSegment(tag).Size == size;
    }

    /// <summary>Puts a range into its slab, or frees the segment that it is. The map has its reserve.</summary>
    /// <param name="start">The range.</param>
    /// <param name="size">Its size.</param>
    /// <param name="sizeClass">The size's class.</param>
    /// <param name="isFree">Whether a caller frees it. What comes out of a magazine was freed as it went in.</param>
    /// <returns>False, and nothing is changed, if there is no such range.</returns>
    public bool TryReturn(T start, T size, int sizeClass, bool isFree)
    {
        space.AssertHeld();
        uint slab = slabs.Find(start);
        uint tag;
        if (slab != 0 && slabs.IsOut(slab, start, sizeClass))
        {
            tag = slabs.Put(slab, start) ? Unlist(slabs.Remove(slab)) : 0;
            space.NoteIdle(slabs.Idle);
        }
        else
        {
            tag = space.Map.FindLive(start);
            tag = tag != 0 ? space.Map.Delist(start, size) : isFree ? TakeFromHandle(start, size) : 0;
            if (tag == 0)
            {
                return false;
            }
        }

        states?.Forget(start);
        if (isFree)
        {
            space.NoteRangeFreed(start);          // before its span goes
        }

        if (tag != 0)
        {
            space.FreeUnlisted(tag);
        }

        return true;
    }

    /// <summary>Makes segments of a slab, all of it.</summary>
    public void CutUp(uint slab)
    {
        while (Cut(slab))
        {
        }
    }

    /// <summary>Makes segments of all slabs that have a range to give.</summary>
    public void Dissolve()
    {
        for (int sizeClass = 0; sizeClass < classes; sizeClass++)
        {
            for (uint slab = slabs.First(sizeClass); slab != 0; slab = slabs.First(sizeClass))
            {
                _ = Cut(slab);
            }
        }
    }

    /// <summary>The same as far as there is memory: a slab that is cut in part is in order.</summary>
    public bool TryDissolve()
    {
        try
        {
            Dissolve();
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    /// <summary>Makes a range of a slab a segment of its own: it is to change its size.</summary>
    /// <returns>False if there is no memory.</returns>
    public bool TryMakeSegment(T start, int sizeClass)
    {
        uint slab = slabs.Find(start);
        bool remains = slab != 0 && slabs.IsOut(slab, start, sizeClass);
        try
        {
            while (remains)
            {
                remains = Cut(slab);
            }

            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    private bool TryAdd(int sizeClass)
    {
        T length = slabs.LengthOf(sizeClass);
        uint free = policy == FitPolicy.InstantFit
            ? space.Map.FindAligned(length, slabs.SlabSize, out T start)
            : space.Map.FindConstrained(policy, new Placement<T>(length, new RangeConstraints<T> { Align = slabs.SlabSize },
                space.Quantum), out start);
        if (free == 0)
        {
            return false;
        }

        slabs.Reserve();
        slabs.Add(space.TakeSlab(free, start, length), start, sizeClass);
        return true;
    }

    /// <summary>Cuts the last range off a slab: it becomes a segment of its own if it is out, else free space.</summary>
    /// <returns>False if the slab is gone.</returns>
    private bool Cut(uint slab)
    {
        space.Map.Reserve();
        bool remains = slabs.Cut(slab, out uint freed);
        space.NoteIdle(slabs.Idle);
        if (freed != 0)
        {
            space.FreeUnlisted(freed);
        }

        return remains;
    }

    /// <summary>A range that was allocated by handle is freed by address.</summary>
    private uint TakeFromHandle(T start, T size)
    {
        uint tag = space.Map.Locate(start);
        if (tag == 0 || space.Map.GetSegment(tag) != new Segment<T>(start, size, SegmentKind.Allocated))
        {
            return 0;
        }

        Invariant.Assert(space.Map.IsByHandle(tag), "what is allocated and not in the table is held by a handle");
        space.Map.Unbind(tag);
        return tag;
    }

    private uint Unlist(uint tag)
    {
        Segment<T> segment = space.Map.GetSegment(tag);
        return space.Map.Delist(segment.Start, segment.Size);
    }
}
