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

    /// <summary>How many buckets there are at first: half of a chunk, so that the next splits have room.</summary>
    private const uint FirstBuckets = BucketStore.FirstChunk / 2;

    /// <summary>How many buckets are merged under one lock: some hundred microseconds. Otherwise arbitrary.</summary>
    private const int BucketsAtATime = 1 << 13;

    private BucketStore _heads;
    private uint _buckets;
    private uint _mask;                                         // 2^(L+1) − 1
    private uint _count;
    private StartHash<T> _hash;

    public readonly long Bytes => _heads.BytesOf(_buckets);

    public readonly uint Count => _count;

    /// <summary>Whether <see cref="Reserve"/> would have nothing to do.</summary>
    public readonly bool HasReserved
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _heads.Capacity - _buckets >= BucketsPerEntry;
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
        uint* head = _heads.At(Bucket(tag->Start, quantumShift));
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
        uint* link = _heads.At(Bucket(start, quantumShift));
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
    /// <param name="tags">The tags.</param>
    /// <param name="chunk">Memory for the caller to give back; null if there is none.</param>
    /// <returns>False if there is more to do.</returns>
    public bool TryShrink(in TagPool<T> tags, out void* chunk)
    {
        uint least = Math.Max(FirstBuckets, 2 * BucketsPerEntry * _count);
        for (int step = 0; _buckets > least; step++)
        {
            if (step == BucketsAtATime)
            {
                chunk = null;
                return false;
            }

            Merge(tags);
        }

        chunk = _heads.TryShrink(_buckets + BucketsPerEntry);
        return chunk == null;
    }

    public void Release()
    {
        _heads.Release();
        this = default;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly uint Bucket(T start, int quantumShift)
    {
        uint bucket = _hash.Of(start, quantumShift) & _mask;
        return bucket < _buckets ? bucket : bucket & (_mask >> 1);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow()
    {
        _heads.Grow();
        if (_buckets == 0)
        {
            _hash = StartHash<T>.Create();
            _buckets = FirstBuckets;
            _mask = (2 * _buckets) - 1;
            new Span<uint>(_heads.At(0), (int)_buckets).Clear();
        }
    }

    private void Merge(in TagPool<T> tags)
    {
        uint removed = --_buckets;
        if (removed <= _mask >> 1)
        {
            _mask >>= 1;
        }

        uint* link = _heads.At(removed & (_mask >> 1));
        while (*link != 0)
        {
            link = &tags.At(*link)->LinkA;
        }

        *link = *_heads.At(removed);
    }

    private void Split(in TagPool<T> tags, int quantumShift)
    {
        Invariant.Assert(_buckets < _heads.Capacity, "room for two buckets was reserved");
        uint added = _buckets++;
        uint* keep = _heads.At(added & (_mask >> 1));
        uint* move = _heads.At(added);
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
