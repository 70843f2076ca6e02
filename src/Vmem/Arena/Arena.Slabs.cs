using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Ranges;
using Vmem.Segments;

namespace Vmem;

// Below the magazines: ranges from slabs, and the segments that slabs are.
public sealed partial class Arena<T>
{
    /// <summary>A range from a slab, or a segment of its own; what the arena has now, without an import.</summary>
    private bool TryTakeBelow(int sizeClass, T size, FitPolicy policy, out T start)
    {
        RangeSlabs<T> slabs = _caches!.Slabs;
        EnterForChange();
        try
        {
            if (slabs.TryTake(sizeClass, out start) || (!_caches.IsSuspended && TryAddSlab(sizeClass) && slabs.TryTake(sizeClass, out start)))
            {
                NoteIdle();
                NoteAllocation();
                _recorder?.Allocated(start, size);
                return true;
            }

            uint free = _map.Find(policy, size, out start);
            if (free == 0)
            {
                return false;
            }

            _ = Claim(free, start, size, policy, byHandle: false);
            return true;
        }
        finally
        {
            Exit();
        }
    }

    private bool TryAddSlab(int sizeClass)
    {
        RangeSlabs<T> slabs = _caches!.Slabs;
        T length = slabs.LengthOf(sizeClass);
        uint free = _policy == FitPolicy.InstantFit
            ? _map.FindAligned(length, slabs.SlabSize, out T start)
            : _map.FindConstrained(_policy, new Placement<T>(length, new RangeConstraints<T> { Align = slabs.SlabSize }, Quantum), out start);
        if (free == 0)
        {
            return false;
        }

        slabs.Reserve();
        if (_source is not null)
        {
            NoteImportUsed(free);
        }

        uint tag = _map.Carve(free, start, length);
        _map.Enlist(tag);
        slabs.Add(tag, start, sizeClass);
        return true;
    }

    /// <summary>Frees a range of a cached size past the magazines: into its slab, or as the segment that it is.</summary>
    private void FreeBelow(T start, T size, int sizeClass)
    {
        List<Segment<T>>? releases = null;
        Enter();
        try
        {
            _map.Reserve();
            bool recorded = _recorder is not null;
            if (!TryPutBelow(start, size, sizeClass, recorded, ref releases))
            {
                _ = FindUnlisted(start, size);
            }

            if (_caches!.IsSuspended)
            {
                Dissolve(ref releases);
            }
        }
        finally
        {
            Exit();
            ReleaseAndServe(releases);
        }
    }

    /// <summary>Puts a range into its slab, or frees the segment that it is. The lock is held; the map has its reserve.</summary>
    /// <param name="start">The range.</param>
    /// <param name="size">Its size.</param>
    /// <param name="sizeClass">The size's class.</param>
    /// <param name="recorded">Whether this is what a recording calls a free. What comes out of a magazine was recorded as it went in.</param>
    /// <param name="releases">Receives an import that is empty now.</param>
    /// <returns>False, and nothing is changed, if there is no such range.</returns>
    private bool TryPutBelow(T start, T size, int sizeClass, bool recorded, ref List<Segment<T>>? releases)
    {
        RangeSlabs<T> slabs = _caches!.Slabs;
        uint slab = slabs.Find(start);
        uint tag;
        if (slab != 0 && slabs.IsOut(slab, start, sizeClass))
        {
            bool empty = slabs.Put(slab, start);
            tag = empty ? Delist(slabs.Remove(slab)) : 0;
            NoteIdle();
        }
        else
        {
            tag = _map.FindLive(start);
            tag = tag == 0 ? TakeFromHandle(start, size) : _map.SlabOf(tag) != 0 ? 0 : _map.Delist(start, size);
            if (tag == 0)
            {
                return false;
            }
        }

        if (recorded)
        {
            _recorder!.Freed(start);              // before its span goes
        }

        if (tag != 0)
        {
            FreeDelisted(tag, ref releases);
        }

        return true;
    }

    /// <summary>A range that was allocated by handle and freed by address came into a cache; here it comes out.</summary>
    private uint TakeFromHandle(T start, T size)
    {
        uint tag = _map.Locate(start, buildIndex: false);
        if (tag == 0 || !_map.IsByHandle(tag) || _map.GetSegment(tag) != new Segment<T>(start, size, SegmentKind.Allocated))
        {
            return 0;
        }

        _map.Unbind(tag);
        return tag;
    }

    private uint Delist(uint tag)
    {
        Segment<T> segment = _map.GetSegment(tag);
        return _map.Delist(segment.Start, segment.Size);
    }

    /// <summary>Makes segments of all slabs that have a range to give. The lock is held.</summary>
    private void Dissolve(ref List<Segment<T>>? releases)
    {
        RangeSlabs<T> slabs = _caches!.Slabs;
        for (int sizeClass = 0; sizeClass < _caches.Classes; sizeClass++)
        {
            for (uint slab = slabs.First(sizeClass); slab != 0; slab = slabs.First(sizeClass))
            {
                _ = Cut(slab, ref releases);
            }
        }
    }

    /// <summary>Cuts the last range off a slab: it becomes a segment of its own if it is out, else free space. The lock is held.</summary>
    /// <returns>False if the slab is gone.</returns>
    private bool Cut(uint slab, ref List<Segment<T>>? releases)
    {
        _map.Reserve();
        bool remains = _caches!.Slabs.Cut(slab, out uint freed);
        NoteIdle();
        if (freed != 0)
        {
            FreeDelisted(freed, ref releases);
        }

        return remains;
    }

    /// <summary>A range that is to change its size must be a segment of its own. The lock is held.</summary>
    private void LeaveSlab(T start, T size, ref List<Segment<T>>? releases)
    {
        uint slab = _caches is not null && size - T.One < _frontMax ? _caches.Slabs.Find(start) : 0;
        bool remains = slab != 0 && _caches!.Slabs.IsOut(slab, start, ClassOf(size));
        while (remains)
        {
            remains = Cut(slab, ref releases);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void NoteIdle() => _idlePlus1 = _caches!.Slabs.Idle + T.One;
}
