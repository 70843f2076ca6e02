using System.Numerics;
using System.Runtime.InteropServices;
using Vmem.Checks;

namespace Vmem.Memory.Window;

/// <summary>Which pages of the address window may hold something, whoever used them last.</summary>
/// <remarks>A page is <em>dirty</em> from when it is first handed out until it is discarded. A page that is not dirty is zero, and takes no
/// memory. One bit for each, in memory that is not touched before it is needed: what is covered is long, what is used of it short. A
/// second one tells which of them have been free since somebody last looked: they are <em>stale</em>.</remarks>
internal sealed unsafe class DirtyPages : IDisposable
{
    private readonly nuint _start;
    private readonly int _pageShift;
    private readonly SparseTable _dirtyTable;
    private readonly SparseTable _staleTable;
    private readonly ulong* _dirty;
    private readonly ulong* _stale;               // of what is dirty

    public DirtyPages(nuint start, nuint size)
    {
        _start = start;
        _pageShift = BitOperations.Log2(VirtualMemory.PageSize);
        nuint bytes = ((size >> _pageShift >> 6) + 1) * sizeof(ulong);
        _dirtyTable = new SparseTable(bytes, isReadable: false);
        try
        {
            _staleTable = new SparseTable(bytes, isReadable: false);
        }
        catch
        {
            _dirtyTable.Dispose();
            throw;
        }

        _dirty = (ulong*)_dirtyTable.Start;
        _stale = (ulong*)_staleTable.Start;
    }

    /// <summary>Memory for the bits of pages that are to be handed out. False if there is none. One thread at a time.</summary>
    public bool TryCommit(nuint start, nuint size)
    {
        nuint first = (start - _start) >> _pageShift >> 6;
        nuint bytes = (((start + size - 1 - _start) >> _pageShift >> 6) - first + 1) * sizeof(ulong);
        return _dirtyTable.TryCommit(first * sizeof(ulong), bytes) && _staleTable.TryCommit(first * sizeof(ulong), bytes);
    }

    /// <summary>How many bytes of a range are dirty.</summary>
    public nuint Count(nuint start, nuint size)
    {
        nuint count = 0;
        foreach ((nuint word, ulong mask) in WordsOf(start, size))
        {
            count += (nuint)BitOperations.PopCount(_dirty[word] & mask);
        }

        return count << _pageShift;
    }

    /// <summary>A bit for each page of a range of at most 64 that is clean.</summary>
    public ulong CleanOf(nuint start, nuint size)
    {
        int count = (int)(size >> _pageShift);
        Invariant.Assert(count is > 0 and <= 64, "there is a bit for each page");
        nuint first = (start - _start) >> _pageShift;
        int shift = (int)(first & 63);
        ulong dirty = _dirty[first >> 6] >> shift;
        if (shift + count > 64)
        {
            dirty |= _dirty[(first >> 6) + 1] << (64 - shift);
        }

        return ~dirty & ulong.MaxValue >> (64 - count);
    }

    /// <summary>Notes that pages are in use.</summary>
    /// <param name="start">Where they begin.</param>
    /// <param name="size">In bytes.</param>
    /// <param name="clear">Zeroes those that are dirty already.</param>
    /// <param name="fresh">How many bytes were not dirty before.</param>
    /// <returns>True if all of them are zero.</returns>
    public bool Mark(nuint start, nuint size, bool clear, out nuint fresh)
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

        fresh = size - ((nuint)dirty << _pageShift);
        return clear || dirty == 0;
    }

    /// <summary>Pages are zero, and nobody uses them.</summary>
    /// <returns>How many bytes were dirty.</returns>
    public nuint Forget(nuint start, nuint size)
    {
        nuint dirty = 0;
        foreach ((nuint word, ulong mask) in WordsOf(start, size))
        {
            if ((_dirty[word] & mask) != 0)
            {
                dirty += (nuint)BitOperations.PopCount(Interlocked.And(ref _dirty[word], ~mask) & mask);
                _ = Interlocked.And(ref _stale[word], ~mask);
            }
        }

        return dirty << _pageShift;
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
    /// <param name="most">It ends when so many bytes have gone: some pages more, as it goes by whole words of the table.</param>
    /// <param name="failed">Receives the starts of runs of pages that the system could not discard: they are as they were, or not committed
    /// any more.</param>
    /// <returns>How many bytes went back.</returns>
    public nuint Discard(nuint start, nuint size, bool staleOnly, nuint most, Action<nuint> failed)
    {
        nuint discarded = 0;
        foreach ((nuint word, ulong pages) in WordsOf(start, size))
        {
            if (discarded >= most)
            {
                break;
            }

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
                    failed(first);
                }
            }
        }

        return discarded;
    }

    public void Dispose()
    {
        _dirtyTable.Dispose();
        _staleTable.Dispose();
    }

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
