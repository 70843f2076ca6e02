using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>What is asked of lists whose members differ in size, and of all lists together.</summary>
internal unsafe partial struct FreeLists<T>
{
    /// <summary>How many segments are counted one by one. Arbitrary: some 10 µs.</summary>
    private const int MostLooks = 512;

    /// <summary>A member at least so long of the list of that size, or of one above it; 0 if there is none. Others as long may be linked
    /// behind it.</summary>
    public readonly uint FindLongEnough(in TagPool<T> tags, int sizeClass, T size)
    {
        T units = size >> _quantumShift;
        if (sizeClass != SizeClass.Of(units))
        {
            return First(sizeClass);
        }

        int bits = SizeClass.Bits(sizeClass);
        uint index = _divided.NotSmaller(LinkOf(sizeClass), ref bits, units);
        while (bits > 0 && index != 0 && SizeOf(tags, tags.At(index)) < size)
        {
            StepCounter.Count();
            index = tags.At(index)->LinkA;
        }

        return index;
    }

    /// <summary>The size of the largest member of all lists; 0 if they are empty.</summary>
    public readonly T LargestSize(in TagPool<T> tags)
    {
        int sizeClass = _rows.FindHighest();
        if (sizeClass < 0)
        {
            return T.Zero;
        }

        T largest = T.Zero;
        int bits = SizeClass.Bits(sizeClass);
        for (uint index = _divided.Largest(LinkOf(sizeClass), ref bits); index != 0; index = bits > 0 ? tags.At(index)->LinkA : 0)
        {
            StepCounter.Count();
            T size = SizeOf(tags, tags.At(index));
            largest = size > largest ? size : largest;
        }

        return largest;
    }

    /// <summary>How many members are at least so long.</summary>
    /// <param name="tags">The tags.</param>
    /// <param name="size">How long.</param>
    /// <param name="all">How many members there are.</param>
    /// <param name="count">How many are long enough.</param>
    /// <returns>False if that takes more than <see cref="MostLooks"/>.</returns>
    /// <remarks>
    /// Parts of divided lists are counted, and of other lists the members. Lists of one size are never divided and may be long: those of
    /// sizes that count and of those that do not are walked side by side, and the shorter walk decides.
    /// </remarks>
    public readonly bool TryCountLongEnough(in TagPool<T> tags, T size, long all, out long count)
    {
        T units = size >> _quantumShift;
        int own = SizeClass.Of(units);
        int looks = MostLooks;
        count = 0;
        int sizeClass = FindNotEmpty(Math.Max(own, SizeClass.FirstWide));
        for (; sizeClass >= 0 && looks >= 0; sizeClass = FindNotEmpty(sizeClass + 1))
        {
            count += CountLongEnough(tags, sizeClass, sizeClass == own ? units : T.Zero, ref looks);
        }

        if (own < SizeClass.FirstWide)
        {
            count += CountExact(tags, own, all - count, ref looks);
        }

        return looks >= 0;
    }

    /// <summary>The same, given how many there are in each list.</summary>
    public readonly long CountLongEnough(in TagPool<T> tags, T size, in ListCounts<T> counts)
    {
        T units = size >> _quantumShift;
        int own = SizeClass.Of(units);
        int looks = MostLooks;
        return own < SizeClass.FirstWide ? counts.From(own) : counts.From(own + 1) + CountLongEnough(tags, own, units, ref looks);
    }

    /// <summary>Checks every list and bitmap; returns how many segments the lists hold.</summary>
    public readonly long Validate(TagPool<T> tags)
    {
        long count = 0;
        _rows.Validate();
        for (int list = 0; list < _rows.Lists; list++)
        {
            int sizeClass = list;
            uint link = LinkOf(sizeClass);
            bool marked = ListRows<T>.IsMarked(_rows.Of(sizeClass), sizeClass);
            Invariant.Hold(marked == (link != 0), "the bitmaps tell which lists are empty", $"list {sizeClass}");
            FreeLists<T> lists = this;
            count += _divided.Validate(link, first => lists.ValidateList(tags, sizeClass, first));
        }

        return count;
    }

    private readonly uint ValidateList(in TagPool<T> tags, int sizeClass, uint first)
    {
        uint previous = 0;
        uint count = 0;
        for (uint index = first; index != 0; index = tags.At(index)->LinkA)
        {
            Tag<T>* tag = tags.At(index);
            Invariant.Hold(tag->Kind == TagKind.Free && tag->LinkB == previous, "a free list links free segments both ways", $"the tag at {tag->Start}");
            T units = UnitsOf(tags, tag);
            Invariant.Hold(SizeClass.Of(units) == sizeClass, "a free segment is in the list of its size", $"{units} units at {tag->Start} are in list {sizeClass}");
            previous = index;
            count++;
        }

        return count;
    }

    private readonly long CountLongEnough(in TagPool<T> tags, int sizeClass, T units, ref int looks)
    {
        long count = 0;
        uint index = LinkOf(sizeClass);
        int bits = SizeClass.Bits(sizeClass);
        if (DividedLists<T>.IsRow(index))
        {
            if (T.IsZero(units))
            {
                return _divided.Count(index);
            }

            index = _divided.CountLarger(index, ref bits, units, ref count);
        }

        for (; index != 0; index = tags.At(index)->LinkA)
        {
            StepCounter.Count();
            looks--;
            count += UnitsOf(tags, tags.At(index)) >= units ? 1 : 0;
        }

        return count;
    }

    /// <summary>How many segments the lists of one size hold from this list on, of as many as they hold in all.</summary>
    private readonly long CountExact(in TagPool<T> tags, int from, long all, ref int looks)
    {
        (int low, int high) = (-1, from - 1);
        (uint below, uint above) = (0, 0);
        for (long count = 0; looks >= 0; count++)
        {
            StepCounter.Count();
            looks--;
            if (!TryStep(tags, ref low, ref below, from))
            {
                return all - count;
            }

            if (!TryStep(tags, ref high, ref above, SizeClass.FirstWide))
            {
                return count;
            }
        }

        return 0;
    }

    /// <summary>Moves to the next member of the lists below <paramref name="end"/>.</summary>
    private readonly bool TryStep(in TagPool<T> tags, ref int sizeClass, ref uint index, int end)
    {
        index = index == 0 ? 0 : tags.At(index)->LinkA;
        if (index == 0)
        {
            sizeClass = FindNotEmpty(sizeClass + 1);
            sizeClass = sizeClass < 0 ? int.MaxValue - 1 : sizeClass;
            index = sizeClass < end ? LinkOf(sizeClass) : 0;
        }

        return index != 0;
    }

    /// <summary>Puts a segment into a wide list that is divided, or is long enough to be divided now.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryPushDivided(in TagPool<T> tags, uint index, Tag<T>* tag, int sizeClass, bool inOrder)
    {
        uint* head = ListRows<T>.Head(_rows.Of(sizeClass), sizeClass);
        int bits = SizeClass.Bits(sizeClass);
        if (!DividedLists<T>.IsRow(*head))
        {
            uint walked = 0;
            for (uint member = *head; member != 0 && walked <= DividedLists<T>.Most; member = tags.At(member)->LinkA)
            {
                StepCounter.Count();
                walked++;
            }

            if (walked <= DividedLists<T>.Most || !_divided.TryDivide(tags, head, bits))
            {
                return false;
            }
        }

        _divided.Push(tags, *head, bits, UnitsOf(tags, tag), index, inOrder);
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private uint PopDivided(in TagPool<T> tags, uint* head, int sizeClass)
    {
        uint index = _divided.Smallest(*head);
        Tag<T>* tag = tags.At(index);
        _divided.Remove(tags, head, SizeClass.Bits(sizeClass), UnitsOf(tags, tag), tag);
        return index;
    }

    /// <summary>What stands at the head of a list: a tag, a row of a divided list, or 0.</summary>
    private readonly uint LinkOf(int sizeClass) => _rows.LinkOf(sizeClass);

    private static T SizeOf(in TagPool<T> tags, Tag<T>* tag) => tags.At(tag->Next)->Start - tag->Start;

    private readonly T UnitsOf(in TagPool<T> tags, Tag<T>* tag) => SizeOf(tags, tag) >> _quantumShift;
}
