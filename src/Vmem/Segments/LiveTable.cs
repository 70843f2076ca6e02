using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>The allocated segments by start address: a hash table that grows by one bucket at a time.</summary>
/// <remarks>
/// <para>
/// Linear hashing (Litwin, 1980): with 2^L ≤ buckets &lt; 2^(L+1), a key belongs to bucket <c>hash mod 2^(L+1)</c> if that one exists yet
/// and to <c>hash mod 2^L</c> otherwise. An insertion that finds less than two buckets for each entry splits two buckets, the next in
/// order, each in two. So the table grows with the number of live segments, and no insertion does more than its neighbours: illumos
/// rescales its table as a whole every 15 seconds, which in a large arena is a pause.
/// </para>
/// <para>
/// Chains run through the tags themselves, and a bucket is one tag number: 8 bytes for a live segment. One bucket a segment would be 4, and
/// a quarter of a probe more, which in a large arena is a quarter of a cache miss. Rejected: open addressing, which cannot grow by parts
/// without tombstones.
/// </para>
/// </remarks>
internal unsafe struct LiveTable<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>An entry more is as many buckets more, so that after every insertion there are at least as many for each; putting back what
    /// was just taken out splits nothing.</summary>
    private const uint BucketsPerEntry = 2;

    /// <summary>How many buckets there is room for at first: a cache line.</summary>
    private const uint LeastRoom = 16;

    /// <summary>How many there are at first: half of that, so that the next splits have room.</summary>
    private const uint FirstBuckets = LeastRoom / 2;

    /// <summary>How many there may be: with one more a mask would not hold them.</summary>
    private const uint MostBuckets = 1u << 31;

    /// <summary>How many buckets are merged under one lock: some hundred microseconds. Otherwise arbitrary.</summary>
    private const int BucketsAtATime = 1 << 13;

    private GrowingBlock _heads;
    private uint _room;                                         // for how many buckets
    private uint _buckets;
    private uint _mask;                                         // 2^(L+1) − 1
    private uint _count;
    private StartHash<T> _hash;

    public readonly long Bytes => _heads.Taken(_buckets * (long)sizeof(uint));

    public readonly uint Count => _count;

    /// <summary>Whether <see cref="Reserve"/> would have nothing to do.</summary>
    public readonly bool HasReserved
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _room - _buckets >= BucketsPerEntry;
    }

    /// <summary>Makes sure that the next <see cref="Add"/> needs no memory. Throws <see cref="OutOfMemoryException"/>, having changed
    /// nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Reserve()
    {
        if (!HasReserved)
        {
            Grow();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(in TagPool<T> tags, uint index, Tag<T>* tag, int quantumShift)
    {
        uint* head = Head(Bucket(tag->Start, quantumShift));
        Invariant.Assert(tag->Kind == TagKind.Allocated && !tag->ByHandle, "what is listed as live was allocated by address");
        Invariant.Assert(*head == 0 || tags.At(*head)->Start != tag->Start, "no two live segments start at the same value");
        tag->Generation = *head;                  // LinkB, the mark, becomes 0
        *head = index;
        if (BucketsPerEntry * ++_count > _buckets)
        {
            for (int split = 0; split < BucketsPerEntry; split++)
            {
                Split(tags, quantumShift);
            }
        }

        Invariant.Assert(BucketsPerEntry * _count <= _buckets, "the table grows with its entries");
    }

    /// <summary>Takes out the segment at a link that <see cref="Find"/> gave.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Unlink(in TagPool<T> tags, uint* link)
    {
        Invariant.Assert(*link != 0 && _count > 0 && tags.At(*link)->Kind == TagKind.Allocated, "what is unlisted was live");
        *link = tags.At(*link)->LinkA;
        _count--;
    }

    /// <summary>The link that holds the number of the segment that starts there; a link that holds 0 if none does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly uint* Find(in TagPool<T> tags, T start, int quantumShift)
    {
        uint* link = Head(Bucket(start, quantumShift));
        for (uint index = *link; index != 0; index = *link)
        {
            StepCounter.Count();
            Tag<T>* tag = tags.At(index);
            if (tag->Start == start)
            {
                break;
            }

            link = &tag->LinkA;
        }

        return link;
    }

    /// <summary>Gives back what is beyond twice the need, in steps: buckets are merged into those that they were split from, the last one
    /// first.</summary>
    /// <returns>Whether that was all.</returns>
    public bool Shrink(in TagPool<T> tags)
    {
        uint least = Math.Max(FirstBuckets, 2 * BucketsPerEntry * _count);
        for (int step = 0; _buckets > least; step++)
        {
            if (step == BucketsAtATime)
            {
                return false;
            }

            Merge(tags);
        }

        uint room = BitOperations.RoundUpToPowerOf2(Math.Max(LeastRoom, _buckets + BucketsPerEntry));
        if (room < _room)
        {
            _room = (uint)(_heads.Shrink(room * (nuint)sizeof(uint)) / sizeof(uint));
        }

        return room >= _room;
    }

    public void Release()
    {
        _heads.Release();
        this = default;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly uint* Head(uint bucket) => (uint*)_heads.Start + bucket;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly uint Bucket(T start, int quantumShift)
    {
        uint bucket = _hash.Of(start, quantumShift) & _mask;
        return bucket < _buckets ? bucket : bucket & (_mask >> 1);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow()
    {
        uint room = BitOperations.RoundUpToPowerOf2(Math.Max(LeastRoom, _room + 1));
        _heads.Grow(room * (nuint)sizeof(uint), MostBuckets * (ulong)sizeof(uint));
        _room = room;
        if (_buckets == 0)
        {
            _hash = StartHash<T>.Create();
            _buckets = FirstBuckets;
            _mask = (2 * _buckets) - 1;
            new Span<uint>(Head(0), (int)_buckets).Clear();
        }
    }

    private void Merge(in TagPool<T> tags)
    {
        uint removed = --_buckets;
        if (removed <= _mask >> 1)
        {
            _mask >>= 1;
        }

        uint* link = Head(removed & (_mask >> 1));
        while (*link != 0)
        {
            link = &tags.At(*link)->LinkA;
        }

        *link = *Head(removed);
    }

    private void Split(in TagPool<T> tags, int quantumShift)
    {
        Invariant.Assert(_buckets < _room, "room for two buckets was reserved");
        uint added = _buckets++;
        uint* keep = Head(added & (_mask >> 1));
        uint* move = Head(added);
        uint index = *keep;
        while (index != 0)
        {
            StepCounter.Count();
            Tag<T>* tag = tags.At(index);
            if ((_hash.Of(tag->Start, quantumShift) & _mask) == added)
            {
                *move = index;
                move = &tag->LinkA;
            }
            else
            {
                *keep = index;
                keep = &tag->LinkA;
            }

            index = tag->LinkA;
        }

        *keep = 0;
        *move = 0;
        if (_buckets > _mask)
        {
            _mask = (2 * _mask) + 1;
        }
    }
}
