using System.Numerics;
using System.Runtime.InteropServices;
using Vmem.Checks;

namespace Vmem.Memory.Heap;

/// <summary>Which pages of a reservation may hold something.</summary>
/// <remarks>A page is <em>dirty</em> from when it is first handed out until it is discarded. A page that is not dirty is zero, and takes no
/// memory. One bit for each, in memory that is not touched before it is needed: what is reserved is long, what is used of it short. A
/// second one tells which of them have been free since somebody last looked: they are <em>stale</em>.</remarks>
internal sealed unsafe class DirtyPages : IDisposable
{
    private readonly nuint _start;
    private readonly int _pageShift;
    private readonly ulong* _dirty;
    private readonly ulong* _stale;               // of what is dirty
    private long _pages;
    private long _touched;                        // no page from here on was ever dirty

    public DirtyPages(nuint start, nuint size)
    {
        _start = start;
        _pageShift = BitOperations.Log2(VirtualMemory.PageSize);
        nuint words = ((size >> _pageShift) / 64) + 1;
        _dirty = (ulong*)NativeMemory.AllocZeroed(2 * words, sizeof(ulong));
        _stale = _dirty + words;
    }

    public nuint Bytes => (nuint)Interlocked.Read(ref _pages) << _pageShift;

    /// <summary>How much of a range may be dirty, from its start.</summary>
    public nuint TouchedPart(nuint start, nuint size)
    {
        nuint end = _start + ((nuint)Volatile.Read(ref _touched) << _pageShift);
        return start < end ? nuint.Min(size, end - start) : 0;
    }

    /// <summary>Notes that pages are in use.</summary>
    /// <param name="start">Where they begin.</param>
    /// <param name="size">In bytes.</param>
    /// <param name="clear">Zeroes those that are dirty already.</param>
    /// <returns>Are all of them zero?</returns>
    public bool Mark(nuint start, nuint size, bool clear)
    {
        int dirty = 0;
        foreach ((nuint word, ulong mask) in WordsOf(start, size))
        {
            ulong before = Interlocked.Or(ref _dirty[word], mask) & mask;
            if ((_stale[word] & mask) != 0)
            {
                _ = Interlocked.And(ref _stale[word], ~mask);
            }

            dirty += BitOperations.PopCount(before);
            while (clear && before != 0)
            {
                (nuint first, nuint length) = TakeRun(word, ref before);
                NativeMemory.Clear((void*)first, length);
            }
        }

        SlabMap.InterlockedMax(ref _touched, (long)((start + size - _start) >> _pageShift));
        _ = Interlocked.Add(ref _pages, (long)(size >> _pageShift) - dirty);
        return clear || dirty == 0;
    }

    public bool Any(nuint start, nuint size)
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

    /// <summary>Gives the memory of dirty pages that are free back to the system.</summary>
    /// <param name="start">Where they begin.</param>
    /// <param name="size">In bytes.</param>
    /// <param name="staleOnly">Only of those that were free when this was asked last, too. The others are stale from now on.</param>
    /// <param name="failed">Receives the runs of pages that the system could not discard: they are as they were, or not committed any
    /// more.</param>
    /// <returns>How many bytes went back.</returns>
    public nuint Discard(nuint start, nuint size, bool staleOnly, Action<nuint, nuint> failed)
    {
        nuint discarded = 0;
        foreach ((nuint word, ulong pages) in WordsOf(start, size))
        {
            ulong mask = pages;
            if ((_dirty[word] & mask) == 0)
            {
                continue;                         // it is not written to: most of the table takes no memory
            }

            if (staleOnly)
            {
                ulong stale = _stale[word] & mask;
                _ = Interlocked.Or(ref _stale[word], _dirty[word] & mask);
                mask = stale;
            }

            ulong dirty = Interlocked.And(ref _dirty[word], ~mask) & mask;
            _ = Interlocked.And(ref _stale[word], ~dirty);
            while (dirty != 0)
            {
                ulong before = dirty;
                (nuint first, nuint length) = TakeRun(word, ref dirty);
                try
                {
                    VirtualMemory.Discard((void*)first, length);
                    discarded += length;
                }
                catch (OutOfMemoryException)      // on Windows only
                {
                    _ = Interlocked.Or(ref _dirty[word], before & ~dirty);
                    failed(first, length);
                }
            }
        }

        _ = Interlocked.Add(ref _pages, -(long)(discarded >> _pageShift));
        return discarded;
    }

    public void Dispose() => NativeMemory.Free(_dirty);

    /// <summary>The first pages of a word whose bits are set, as many as follow one another. Their bits are taken away.</summary>
    private (nuint Start, nuint Size) TakeRun(nuint word, ref ulong bits)
    {
        int first = BitOperations.TrailingZeroCount(bits);
        int count = BitOperations.TrailingZeroCount(~(bits >> first));
        bits &= count == 64 ? 0 : ~(((1ul << count) - 1) << first);
        return (_start + (((word << 6) + (nuint)first) << _pageShift), (nuint)count << _pageShift);
    }

    private PageWords WordsOf(nuint start, nuint size) => new((start - _start) >> _pageShift, (start + size - 1 - _start) >> _pageShift);

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
