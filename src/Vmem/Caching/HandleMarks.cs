using System.Numerics;
using Vmem.Segments;

namespace Vmem.Caching;

/// <summary>Where ranges of cached sizes are held by handles: their frees by address must be looked up.</summary>
/// <remarks>
/// <para>
/// A free by address of a cached size goes into a magazine without a look. If a handle holds that range, the next allocation would get it,
/// and the handle could then free it under its new owner. So every start that a handle holds is marked, and a free of a marked start goes
/// to the segments, where the handle ends. Other frees still go into magazines, though no longer in line.
/// </para>
/// <para>
/// A mark is one bit that many starts share. A start whose bit is set by another is looked up in vain, and nothing more. Marks are not
/// taken away one by one, as others may need the bit; they go together when no handle is left. Where some stay and many come and go, marks
/// are made anew from time to time, in steps, from the handles that are left. Rejected: to look up all frees of such a size, which sends
/// every thread to the arena's lock for one handle's sake; and counts in place of bits, which each free by handle would pay for.
/// </para>
/// <para>Set under the arena's lock, and read without: a handle's start is marked before anybody can know it.</para>
/// </remarks>
internal sealed class HandleMarks<T>(int quantumShift)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>2^16 bits are 8 KiB: with a thousand handles one free in 66 looks in vain. Arbitrary beyond that.</summary>
    private const int Words = 1 << 10;

    /// <summary>How many look-ups there are at least before marks are made anew. Arbitrary.</summary>
    private const uint LeastLookUps = 1 << 10;

    /// <summary>In a large arena it is a look-up for so many tags: about as much work as to look at them.</summary>
    private const uint TagsPerLookUp = 16;

    /// <summary>How many tags a step looks at: some ten microseconds. Arbitrary.</summary>
    private const uint TagsAtATime = 1 << 10;

    private readonly StartHash<T> _hash = StartHash<T>.Create();
    private ulong[] _marks = new ulong[Words];
    private ulong[]? _next;                       // null: no marks are being made anew
    private uint _nextTag;                        // those before are marked in it
    private long _nextMoves;                      // how often a handle's tag had moved then
    private uint _lookUps;

    /// <summary>Whether a handle may hold a range that starts there.</summary>
    public bool Has(T start)
    {
        uint hash = _hash.Of(start, quantumShift);
        return (Volatile.Read(ref Volatile.Read(ref _marks)[(hash >> 6) % Words]) & (1ul << (int)hash)) != 0;
    }

    public void Add(T start)
    {
        Mark(_marks, start);
        if (_next is not null)
        {
            Mark(_next, start);
        }
    }

    public void Clear()
    {
        Array.Clear(_marks);
        _next = null;
    }

    /// <summary>A marked start was looked up: marks may be due to be made anew, or a step of that is.</summary>
    /// <param name="map">The arena's segments.</param>
    /// <param name="max">The largest size that is cached.</param>
    public void NoteLookUp(SegmentMap<T> map, T max)
    {
        if (_next is null && (++_lookUps < LeastLookUps + (map.TagBound / TagsPerLookUp) || !TryBegin()))
        {
            return;
        }

        if (_nextMoves != map.HandleMoves)
        {
            (_nextTag, _nextMoves) = (0, map.HandleMoves);       // what has moved may have been passed over
        }

        uint end = Math.Min(map.TagBound, _nextTag + TagsAtATime);
        for (; _nextTag < end; _nextTag++)
        {
            if (map.IsByHandle(_nextTag) && map.GetSegment(_nextTag) is { Size: var size, Start: var start } && size <= max)
            {
                Mark(_next!, start);
            }
        }

        if (end == map.TagBound)
        {
            Volatile.Write(ref _marks, _next!);                  // the old ones stay as they are: others may be reading them
            _next = null;
        }
    }

    /// <summary>False if there is no memory.</summary>
    private bool TryBegin()
    {
        _lookUps = 0;
        _nextTag = 0;
        try
        {
            _next = new ulong[Words];
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    private void Mark(ulong[] marks, T start)
    {
        uint hash = _hash.Of(start, quantumShift);
        marks[(hash >> 6) % Words] |= 1ul << (int)hash;
    }
}
