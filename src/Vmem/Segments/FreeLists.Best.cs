using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>Best fit from lists that are short.</summary>
internal unsafe partial struct FreeLists<T>
{
    /// <summary>How many members are looked at. Arbitrary: as much as a few changes of an index.</summary>
    private const int BestLooks = 32;

    /// <summary>The lowest of the smallest members that are long enough.</summary>
    /// <param name="tags">The tags.</param>
    /// <param name="size">How long.</param>
    /// <param name="units">The same in units, rounded up.</param>
    /// <param name="best">Which; 0 if none is long enough.</param>
    /// <returns>Whether that is known: the lists are short.</returns>
    public readonly bool TryFindBest(in TagPool<T> tags, T size, T units, out uint best)
    {
        best = 0;
        int looks = BestLooks;
        for (int sizeClass = SizeClass.Of(units); best == 0 && (sizeClass = FindNotEmpty(sizeClass)) >= 0; sizeClass++)
        {
            uint index = LinkOf(sizeClass);
            if (DividedLists<T>.IsRow(index))
            {
                return false;
            }

            T bestSize = T.MaxValue;
            for (; index != 0; index = tags.At(index)->LinkA)
            {
                StepCounter.Count();
                if (looks-- == 0)
                {
                    return false;
                }

                T length = SizeOf(tags, tags.At(index));
                bool isLower = length == bestSize && tags.At(index)->Start < tags.At(best)->Start;     // the unused tag 0 lies above all
                if (length >= size && (length < bestSize || isLower))
                {
                    best = index;
                    bestSize = length;
                }
            }
        }

        return true;
    }

    /// <summary>The member that begins first of a list of one size, which is not empty.</summary>
    public readonly uint Lowest(in TagPool<T> tags, int sizeClass)
    {
        uint lowest = LinkOf(sizeClass);
        Invariant.Assert(lowest != 0, "a list that is looked through has members");
        for (uint index = lowest; index != 0; index = tags.At(index)->LinkA)
        {
            StepCounter.Count();
            lowest = tags.At(index)->Start < tags.At(lowest)->Start ? index : lowest;
        }

        return lowest;
    }
}
