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
/// taken away one by one, as others may need the bit; they go together when no handle is left. Rejected: to look up all frees of such a
/// size, which sends every thread to the arena's lock for one handle's sake.
/// </para>
/// <para>Set under the arena's lock, and read without: a handle's start is marked before anybody can know it.</para>
/// </remarks>
internal sealed class HandleMarks<T>(int quantumShift)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>2^16 bits are 8 KiB: with a thousand handles one free in 66 looks in vain. Arbitrary beyond that.</summary>
    private const int Words = 1 << 10;

    private readonly ulong[] _marks = new ulong[Words];
    private readonly StartHash<T> _hash = StartHash<T>.Create();

    /// <summary>Whether a handle may hold a range that starts there.</summary>
    public bool Has(T start)
    {
        uint hash = _hash.Of(start, quantumShift);
        return (Volatile.Read(ref _marks[(hash >> 6) % Words]) & (1ul << (int)hash)) != 0;
    }

    public void Add(T start)
    {
        uint hash = _hash.Of(start, quantumShift);
        _marks[(hash >> 6) % Words] |= 1ul << (int)hash;
    }

    public void Clear() => Array.Clear(_marks);
}
