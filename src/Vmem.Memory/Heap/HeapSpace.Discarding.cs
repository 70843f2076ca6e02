using System.Numerics;

namespace Vmem.Memory.Heap;

// What is known of the contents of pages, and how their memory goes back to the system.
internal sealed unsafe partial class HeapSpace
{
    private readonly ulong* _dirty;               // by page
    private long _dirtyPages;
    private long _touched;                        // no page from here on was ever dirty: what is reserved is long, what is used of it short
    private readonly Lock _discarding = new();    // held while free pages are out of circulation
    private nuint _takenOut;                      // where these begin, or may soon
    private int _turns;                           // counts the beginnings and ends of that

    public nuint DirtyBytes => (nuint)Interlocked.Read(ref _dirtyPages) << (int)_pageShift;

    /// <summary>Gives the memory of free pages back to the system. Each free segment is taken out of circulation meanwhile.</summary>
    /// <returns>How many bytes were dirty.</returns>
    public nuint DiscardFree()
    {
        nuint discarded = 0;
        lock (_discarding)
        {
            foreach (Segment<nuint> segment in _pages.GetSegments())
            {
                nuint touched = TouchedPart(segment);
                if (segment.Kind != SegmentKind.Free || touched == 0 || !AnyDirty(segment.Start, touched))
                {
                    continue;
                }

                _ = Interlocked.Increment(ref _turns);
                Volatile.Write(ref _takenOut, segment.Start);
                bool isOut = false;
                try
                {
                    isOut = TryTakeOut(segment);
                    discarded += isOut ? DiscardDirty(segment.Start, touched) : 0;
                }
                finally
                {
                    if (isOut)
                    {
                        _pages.Free(segment.Start, segment.Size);
                    }

                    _ = Interlocked.Increment(ref _turns);
                }
            }
        }

        return discarded;
    }

    /// <summary>What is taken out only to be discarded is free. Whether it is that or a block that has come there shows when the discarder is
    /// done.</summary>
    private bool TryGetAllocated(nuint address, out Segment<nuint> segment)
    {
        int turns = Volatile.Read(ref _turns);
        if (!_pages.TryGetSegment(address, out segment) || segment.Kind != SegmentKind.Allocated)
        {
            return false;
        }

        if (segment.Start != Volatile.Read(ref _takenOut) && turns == Volatile.Read(ref _turns))
        {
            return true;
        }

        lock (_discarding)
        {
            return _pages.TryGetSegment(address, out segment) && segment.Kind == SegmentKind.Allocated;
        }
    }

    /// <summary>How much of a segment may be dirty.</summary>
    private nuint TouchedPart(in Segment<nuint> segment)
    {
        nuint end = Start + ((nuint)Volatile.Read(ref _touched) << (int)_pageShift);
        return segment.Start < end ? nuint.Min(segment.Size, end - segment.Start) : 0;
    }

    private bool TryTakeOut(in Segment<nuint> segment)
    {
        try
        {
            var place = new RangeConstraints<nuint> { Min = segment.Start, Max = segment.Start + segment.Size };
            return _pages.TryAllocateConstrained(segment.Size, place, FitPolicy.FirstFit, out _);
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    /// <summary>Were all of them clean?</summary>
    private bool MarkDirty(nuint start, nuint size)
    {
        int dirty = 0;
        foreach ((nuint word, ulong mask) in WordsOf(start, size))
        {
            dirty += BitOperations.PopCount(Interlocked.Or(ref _dirty[word], mask) & mask);
        }

        long end = (long)((start + size - Start) >> (int)_pageShift);
        for (long touched = Volatile.Read(ref _touched); touched < end;)
        {
            long found = Interlocked.CompareExchange(ref _touched, end, touched);
            touched = found == touched ? end : found;
        }

        _ = Interlocked.Add(ref _dirtyPages, (long)(size >> (int)_pageShift) - dirty);
        return dirty == 0;
    }

    private bool AnyDirty(nuint start, nuint size)
    {
        foreach ((nuint word, ulong mask) in WordsOf(start, size))
        {
            if ((_dirty[word] & mask) != 0)
            {
                return true;
            }
        }

        return false;
    }

    private nuint DiscardDirty(nuint start, nuint size)
    {
        nuint discarded = 0;
        foreach ((nuint word, ulong mask) in WordsOf(start, size))
        {
            if ((_dirty[word] & mask) == 0)
            {
                continue;                         // it is not written to: most of the table takes no memory
            }

            ulong dirty = Interlocked.And(ref _dirty[word], ~mask) & mask;
            int from = BitOperations.TrailingZeroCount(dirty);
            int to = 64 - BitOperations.LeadingZeroCount(dirty);
            nuint first = Start + (((word << 6) + (nuint)from) << (int)_pageShift);
            nuint length = (nuint)(to - from) << (int)_pageShift;
            try
            {
                VirtualMemory.Discard((void*)first, length);
                discarded += (nuint)BitOperations.PopCount(dirty);
            }
            catch (OutOfMemoryException)
            {
                // On Windows only: they are as they were, or not committed any more.
                _ = Interlocked.Or(ref _dirty[word], dirty);
                ForgetCommit(first, length);
            }
        }

        _ = Interlocked.Add(ref _dirtyPages, -(long)discarded);
        return discarded << (int)_pageShift;
    }

    private PageWords WordsOf(nuint start, nuint size) => new((start - Start) >> (int)_pageShift, (start + size - 1 - Start) >> (int)_pageShift);

    /// <summary>The words of a bitmap by page, and the bits in each, that stand for a run of pages.</summary>
    private struct PageWords(nuint first, nuint last)
    {
        private nuint _next = first >> 6;

        public (nuint Word, ulong Mask) Current { get; private set; }

        public readonly PageWords GetEnumerator() => this;

        public bool MoveNext()
        {
            StepCounter.Count();
            nuint word = _next++;
            if (word > last >> 6)
            {
                return false;
            }

            ulong mask = word == first >> 6 ? ulong.MaxValue << (int)(first & 63) : ulong.MaxValue;
            mask &= word == last >> 6 ? ulong.MaxValue >> (int)(63 - (last & 63)) : ulong.MaxValue;
            Current = (word, mask);
            return true;
        }
    }
}
