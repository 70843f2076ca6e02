using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>The free segments by size and start: a tree for each size that many have, one for all large sizes together, and nothing but
/// the free list for the others.</summary>
/// <remarks>
/// <para>
/// Of most sizes below <see cref="SizeClass.FirstWide"/> units there are few free segments, and of some there are very many. Where there
/// are few, the lowest is found by a look at each member of the free list, which is there in any case: a change of one costs a counter.
/// When a size gets more than <see cref="Long"/>, its list gets a tree of starts beside it, and loses that with <see cref="Short"/> left.
/// So no operation takes long. The first size that is large enough is in the bitmaps of the free lists.
/// </para>
/// <para>
/// As long as not all free segments are known, a free list holds others, too. Meanwhile those of sizes without a tree are noted apart.
/// </para>
/// <para>
/// Rejected: one tree by size and start for all, which is higher by a level, compares two things with each entry, and is changed two to
/// four times by each operation, mostly for segments that coalesce before anybody looks at them.
/// </para>
/// </remarks>
internal sealed unsafe partial class SizeTrees<T>(int quantumShift) : IReleasable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>A size of more free segments has a tree. They still fit one leaf. 4 to 31 are equally fast; with fewer, trees take more
    /// memory than the tree of all sizes did.</summary>
    public const uint Long = 24;

    /// <summary>One of no more has none. A quarter, so that no tree comes and goes by turns.</summary>
    private const uint Short = Long / 4;

    private readonly RangeTree<T, ByKeyAlone<T>> _trees = new(isShared: true);
    private readonly RangeTree<T, ByKeyThenValue<T>> _large = new();
    private readonly RangeTree<T, ByKeyAlone<T>>.Contents[] _sizes = new RangeTree<T, ByKeyAlone<T>>.Contents[SizeClass.FirstWide];
    private int _selected;                        // the size whose tree _trees is
    private uint[]? _early = new uint[SizeClass.FirstWide * (int)Long];       // until all are known: the tags of sizes without a tree

    /// <summary>How many free segments are known.</summary>
    public long Count { get; private set; }

    /// <summary>A size that got too many for a list, and no tree yet; 0: none.</summary>
    public int Grown { get; private set; }

    public long Bytes => _trees.Bytes + _large.Bytes
        + (_sizes.Length * sizeof(RangeTree<T, ByKeyAlone<T>>.Contents)) + ((_early?.Length ?? 0) * sizeof(uint));

    /// <summary>Whether <see cref="Reserve"/> would have nothing to do.</summary>
    public bool HasReserved(uint insertions) => _trees.HasReserved(insertions) && _large.HasReserved(insertions);

    /// <summary>Makes sure that the next insertions need no memory: a new tree is one leaf.</summary>
    public void Reserve(uint insertions)
    {
        _trees.Reserve(insertions);
        _large.Reserve(insertions);
    }

    public void Release()
    {
        _trees.Release();
        _large.Release();
    }

    /// <summary>All free segments are known from now on: what has no tree is in its free list.
    /// O(<see cref="SizeClass.FirstWide"/>).</summary>
    public void UseLists()
    {
        _early = null;
        for (int units = 1; units < _sizes.Length; units++)
        {
            if (_sizes[units].IsTree && _sizes[units].Count <= Short)
            {
                Uproot(units);
            }
        }
    }

    public void Add(T start, T size, uint tag)
    {
        Count++;
        if (IsLarge(size, out int units))
        {
            _large.Insert(size, start, tag);
            return;
        }

        ref RangeTree<T, ByKeyAlone<T>>.Contents contents = ref _sizes[units];
        if (contents.IsTree)
        {
            Insert(units, start, tag);
            return;
        }

        uint count = contents.Count;
        contents = new(0, 0, count + 1);
        if (count == Long)
        {
            Grown = units;
        }
        else if (_early is not null)
        {
            _early[EarlyOf(units) + (int)count] = tag;
        }
    }

    public void Remove(T start, T size, uint tag)
    {
        Count--;
        if (IsLarge(size, out int units))
        {
            _large.Remove(size, start);
            return;
        }

        ref RangeTree<T, ByKeyAlone<T>>.Contents contents = ref _sizes[units];
        Invariant.Assert(contents.Count > 0, "what is removed was counted");
        if (contents.IsTree)
        {
            Select(units);
            _trees.Remove(start, default);
            contents = _trees.Selected;
            if (contents.Count <= Short && _early is null)
            {
                Uproot(units);
            }

            return;
        }

        if (_early is not null)
        {
            Span<uint> early = _early.AsSpan(EarlyOf(units), (int)contents.Count);
            early[early.IndexOf(tag)] = early[^1];
        }

        contents = new(0, 0, contents.Count - 1);
    }

    /// <summary>A free segment has changed its start, its size or its tag.</summary>
    public void Replace(T oldStart, T oldSize, uint oldTag, T start, T size, uint tag)
    {
        if (IsLarge(oldSize, out _) && IsLarge(size, out _))
        {
            _large.Move(oldSize, oldStart, size, start, tag);
            return;
        }

        Remove(oldStart, oldSize, oldTag);
        Add(start, size, tag);
    }

    /// <summary>The size <see cref="Grown"/> gets a tree.</summary>
    /// <param name="tags">The tags.</param>
    /// <param name="lists">The free lists.</param>
    /// <param name="last">The tag that was added.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Plant(in TagPool<T> tags, in FreeLists<T> lists, uint last)
    {
        int units = Grown;
        Grown = 0;
        uint count = _sizes[units].Count;
        _sizes[units] = default;
        _selected = 0;
        if (_early is not null)
        {
            foreach (uint index in _early.AsSpan(EarlyOf(units), (int)Long))
            {
                Insert(units, tags.At(index)->Start, index);
            }

            Insert(units, tags.At(last)->Start, last);
        }
        else
        {
            for (uint index = lists.First(units); index != 0; index = tags.At(index)->LinkA)
            {
                StepCounter.Count();
                Insert(units, tags.At(index)->Start, index);
            }
        }

        Invariant.Assert(_sizes[units].Count == count && count == Long + 1, "a size has as many free segments as were counted");
    }

    private static int EarlyOf(int units) => units * (int)Long;

    /// <summary>The lowest of the smallest that are long enough; 0 if none is.</summary>
    /// <param name="tags">The tags.</param>
    /// <param name="lists">The free lists.</param>
    /// <param name="size">How long it must be.</param>
    /// <param name="units">The same in units, rounded up.</param>
    /// <param name="start">Where it begins.</param>
    public uint Find(in TagPool<T> tags, in FreeLists<T> lists, T size, T units, out T start)
    {
        if (units < T.CreateTruncating(SizeClass.FirstWide))
        {
            int exact = lists.FindNotEmpty(int.CreateTruncating(units));
            if ((uint)exact < SizeClass.FirstWide)
            {
                return FindLowest(tags, lists, exact, out start);
            }
        }

        if (_large.TryFindFirst(size, T.Zero, T.Zero, out RangeTree<T, ByKeyThenValue<T>>.Cursor best))
        {
            start = best.Value;
            return best.Item;
        }

        start = default;
        return 0;
    }

    /// <summary>Whether a size is one of those that share a tree; else it is so many units.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsLarge(T size, out int units)
    {
        T whole = size >> quantumShift;
        bool isLarge = whole >= T.CreateTruncating(SizeClass.FirstWide);
        units = isLarge ? 0 : int.CreateTruncating(whole);
        return isLarge;
    }

    private uint FindLowest(in TagPool<T> tags, in FreeLists<T> lists, int units, out T start)
    {
        if (!_sizes[units].IsTree)
        {
            uint lowest = lists.Lowest(tags, units);
            start = tags.At(lowest)->Start;
            return lowest;
        }

        Select(units);
        bool isFound = _trees.TryFindFirst(out RangeTree<T, ByKeyAlone<T>>.Cursor first);
        Invariant.Assert(isFound, "a size that has a tree has a free segment");
        start = first.Key;
        return first.Item;
    }

    private void Insert(int units, T start, uint tag)
    {
        Select(units);
        _trees.Insert(start, default, tag);
        _sizes[units] = _trees.Selected;
    }

    /// <summary>The few free segments of a size need no tree any more.</summary>
    private void Uproot(int units)
    {
        Select(units);
        uint count = _sizes[units].Count;
        while (_trees.TryFindFirst(out RangeTree<T, ByKeyAlone<T>>.Cursor first))
        {
            _trees.Remove(first.Key, default);
        }

        _sizes[units] = new(0, 0, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Select(int units)
    {
        if (_selected != units)
        {
            _selected = units;
            _trees.Selected = _sizes[units];
        }
    }
}
