using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Ranges;
using Vmem.Segments;

namespace Vmem.Caching;

/// <summary>The slab layer of an arena's quantum caches: segments cut into ranges of one size.</summary>
/// <remarks>
/// <para>
/// A slab is an allocated segment of the arena. Its size is, in quanta, the next power of two strictly above 3 · qcacheMax, and at least
/// 64 (the paper's §4.4.4 and illumos' VMEM_QCACHE_SLABSIZE), which leaves little at the end of a slab whatever the size of its ranges:
/// with qcacheMax 5 a slab of 64 holds twenty-one ranges of 3. What is left at its end is not made part of it. It is aligned to its size,
/// so that a range's address tells where its slab would begin, and the table of live segments tells whether it is one. Which of its ranges
/// are out is a bit map beside it.
/// </para>
/// <para>
/// Where no aligned slab is to be had the arena allocates a range of its own instead, and gives it to the cache like one from a slab; and
/// when space is short a slab is <em>dissolved</em>: the ranges that are out become segments of their own, the others free space. So an
/// arena with quantum caches fails a request only when one without would, for the same ranges in use.
/// </para>
/// <para>
/// Rejected: illumos' hash table from every range that is out to its slab, a word and more for each range; and slabs that keep to
/// themselves until they are wholly free, which makes an arena fail with most of its space free.
/// </para>
/// <para>Works under the arena's lock.</para>
/// </remarks>
internal sealed unsafe partial class RangeSlabs<T> : IDisposable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private const int LeastUnits = 64;

    private readonly SegmentMap<T> _map;
    private readonly T _quantum;
    private readonly uint[] _heads;               // by class: a slab with a range to give; 0: none
    private NativeStore<Slab> _slabs;
    private uint _fresh = 1;                      // 0 is no slab
    private uint _unused;

    public RangeSlabs(SegmentMap<T> map, T quantum, int classes)
    {
        _map = map;
        _quantum = quantum;
        _heads = new uint[classes];
        SlabSize = T.CreateChecked(SlabUnits(classes)) * quantum;
    }

    /// <summary>The most classes there may be: a slab then has 256 ranges at most, and 4 words of bit map.</summary>
    public const int MaxClasses = 64;

    /// <summary>The size that slabs are aligned to, in units of the arena.</summary>
    public T SlabSize { get; }

    /// <summary>Slabs.</summary>
    public long Count { get; private set; }

    /// <summary>Ranges of slabs that are out: in magazines or with callers.</summary>
    public long RangesOut { get; private set; }

    /// <summary>What of the slabs is not out, in units.</summary>
    public T Idle { get; private set; }

    public long Bytes => (long)_fresh * sizeof(Slab);

    /// <summary>The size of a slab in quanta for so many sizes.</summary>
    public static int SlabUnits(int classes) => Math.Max(LeastUnits, (int)BitOperations.RoundUpToPowerOf2((3u * (uint)classes) + 1));

    /// <summary>The length of a class's ranges.</summary>
    public T SizeOf(int sizeClass) => _quantum * T.CreateTruncating(sizeClass + 1);

    /// <summary>What a slab of a class takes: whole ranges.</summary>
    public T LengthOf(int sizeClass)
    {
        T size = SizeOf(sizeClass);
        return SlabSize / size * size;
    }

    /// <summary>Makes sure that <see cref="Add"/> needs no memory. Throws <see cref="OutOfMemoryException"/>, having changed
    /// nothing.</summary>
    public void Reserve()
    {
        while (_unused == 0 && _fresh >= _slabs.Capacity)
        {
            _slabs.Grow();
        }
    }

    /// <summary>A range of a slab that has one.</summary>
    public bool TryTake(int sizeClass, out T start)
    {
        uint index = _heads[sizeClass];
        if (index == 0)
        {
            start = default;
            return false;
        }

        Slab* slab = _slabs.At(index);
        Invariant.Assert(slab->Class == sizeClass && slab->Previous == 0, "a class's list begins with one of its slabs");
        int position = slab->TakeFirst();
        if (slab->FreeRanges == 0)
        {
            Unlink(slab);
        }

        T size = SizeOf(sizeClass);
        start = slab->Start + (size * T.CreateTruncating(position));
        Invariant.Assert(Idle >= size && position < slab->Ranges, "what a slab gives was idle");
        Idle -= size;
        RangesOut++;
        return true;
    }

    /// <summary>Makes a slab of a listed segment. Needs <see cref="Reserve"/> before.</summary>
    public void Add(uint tag, T start, int sizeClass)
    {
        uint index = _unused;
        if (index != 0)
        {
            _unused = _slabs.At(index)->Next;
        }
        else
        {
            index = _fresh++;
        }

        Slab* slab = _slabs.At(index);
        Invariant.Assert(Multiples<T>.Has(start, SlabSize) && _map.FindLive(start) == tag, "a slab is a listed segment and aligned");
        *slab = new Slab { Start = start, Tag = tag, Class = (byte)sizeClass };
        slab->Fill(int.CreateTruncating(SlabSize / SizeOf(sizeClass)));
        _map.SetSlab(tag, index);
        Link(slab, index);
        Count++;
        Idle += LengthOf(sizeClass);
    }

    /// <summary>The slab that a range would belong to; 0 if there is none.</summary>
    public uint Find(T start)
    {
        uint tag = _map.FindLive(Multiples<T>.Down(start, SlabSize));
        return tag == 0 ? 0 : _map.SlabOf(tag);
    }

    /// <summary>Whether a slab's range of this start and class is out.</summary>
    public bool IsOut(uint index, T start, int sizeClass)
    {
        Slab* slab = _slabs.At(index);
        T offset = start - slab->Start;
        T size = SizeOf(slab->Class);
        return slab->Class == sizeClass && T.IsZero(offset % size) && offset / size < T.CreateTruncating(slab->Ranges) &&
            !slab->IsFree(int.CreateTruncating(offset / size));
    }

    /// <summary>Puts a range back that is out.</summary>
    /// <returns>Whether the slab is wholly free now: then it should be removed.</returns>
    public bool Put(uint index, T start)
    {
        Slab* slab = _slabs.At(index);
        T size = SizeOf(slab->Class);
        Invariant.Assert(RangesOut > 0 && T.IsZero((start - slab->Start) % size), "a range that comes back begins where one does");
        slab->Put(int.CreateTruncating((start - slab->Start) / size));
        Idle += size;
        RangesOut--;
        if (slab->FreeRanges == 1)
        {
            Link(slab, index);
        }

        return slab->FreeRanges == slab->Ranges;
    }

    /// <summary>Forgets a slab that is wholly free.</summary>
    /// <returns>The tag of its segment, which is one like any other now.</returns>
    public uint Remove(uint index)
    {
        Slab* slab = _slabs.At(index);
        Invariant.Assert(slab->FreeRanges == slab->Ranges && slab->Ranges > 0, "a slab that goes is wholly free");
        Idle -= _map.GetSegment(slab->Tag).Size;
        return Forget(index, slab);
    }

    /// <summary>A slab's segment has another tag from now on.</summary>
    public void SetTag(uint index, uint tag) => _slabs.At(index)->Tag = tag;

    /// <summary>A slab of this class with a range to give; 0 if there is none.</summary>
    public uint First(int sizeClass) => _heads[sizeClass];

    /// <summary>
    /// Cuts the last range off a slab, or all of them if none is out. A range that is out becomes a segment of its own; else there is
    /// something to free. In between everything is in order. Needs the map's reserve before.
    /// </summary>
    /// <param name="index">The slab.</param>
    /// <param name="freed">The tag of a segment for the caller to free, which has left the table of live segments; 0: there is
    /// none.</param>
    /// <returns>False if that was its last range, and the slab is gone.</returns>
    public bool Cut(uint index, out uint freed)
    {
        freed = 0;
        Slab* slab = _slabs.At(index);
        if (slab->FreeRanges == slab->Ranges)
        {
            freed = Detach(Remove(index));
            return false;
        }

        T size = SizeOf(slab->Class);
        bool isFree = slab->DropLast();
        if (isFree && slab->FreeRanges == 0)
        {
            Unlink(slab);
        }

        bool remains = slab->Ranges > 0;
        uint cut = !remains ? Forget(index, slab) : _map.Split(slab->Tag, size * T.CreateTruncating(slab->Ranges));
        if (isFree)
        {
            Idle -= size;
            freed = Detach(cut);
        }
        else
        {
            RangesOut--;
        }

        return remains;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => _slabs.Release();

    /// <summary>Takes a segment out of the table of live segments.</summary>
    private uint Detach(uint tag)
    {
        Segment<T> segment = _map.GetSegment(tag);
        return _map.Delist(segment.Start, segment.Size);
    }

    private uint Forget(uint index, Slab* slab)
    {
        if (slab->FreeRanges > 0)
        {
            Unlink(slab);
        }

        uint tag = slab->Tag;
        Invariant.Assert(Count > 0 && _map.SlabOf(tag) == index, "a slab's segment knows it");
        _map.SetSlab(tag, 0);
        *slab = new Slab { Next = _unused };
        _unused = index;
        Count--;
        return tag;
    }

    private void Link(Slab* slab, uint index)
    {
        Invariant.Assert(slab->FreeRanges > 0 && _heads[slab->Class] != index, "a slab is listed once, with ranges to give");
        uint next = _heads[slab->Class];
        slab->Previous = 0;
        slab->Next = next;
        if (next != 0)
        {
            _slabs.At(next)->Previous = index;
        }

        _heads[slab->Class] = index;
    }

    private void Unlink(Slab* slab)
    {
        Invariant.Assert(slab->Previous != 0 || _slabs.At(_heads[slab->Class]) == slab, "what leaves a class's list was in it");
        if (slab->Previous != 0)
        {
            _slabs.At(slab->Previous)->Next = slab->Next;
        }
        else
        {
            _heads[slab->Class] = slab->Next;
        }

        if (slab->Next != 0)
        {
            _slabs.At(slab->Next)->Previous = slab->Previous;
        }
    }
}
