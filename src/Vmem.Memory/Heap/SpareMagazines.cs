namespace Vmem.Memory.Heap;

/// <summary>What the current thread had of magazines in a heap that it has disposed of, for its next heap: a heap for each request makes no
/// garbage of them.</summary>
internal static class SpareMagazines
{
    private const int Most = 4;                   // stacks of blocks that are kept: arbitrary, about 5 KB

    [ThreadStatic]
    private static HeapMagazine[]? t_magazines;

    [ThreadStatic]
    private static nuint[][]? t_items;

    /// <summary>Closed magazines of every class; null if none are kept.</summary>
    public static HeapMagazine[]? Take()
    {
        HeapMagazine[]? magazines = t_magazines;
        t_magazines = null;
        return magazines;
    }

    /// <summary>The memory of a magazine; null if none of that length is kept.</summary>
    public static nuint[]? TakeItems(int length)
    {
        for (int i = 0; t_items is { } kept && i < kept.Length; i++)
        {
            if (kept[i] is { } items && items.Length == length)
            {
                kept[i] = null!;
                return items;
            }
        }

        return null;
    }

    /// <summary>Keeps magazines of the current thread that no heap has any more.</summary>
    public static void Keep(HeapMagazine[] magazines)
    {
        t_items ??= new nuint[Most][];
        foreach (ref HeapMagazine magazine in magazines.AsSpan())
        {
            if (magazine.Retire() is { } items && Array.IndexOf(t_items, null) is var place and >= 0)
            {
                t_items[place] = items;
            }
        }

        t_magazines = magazines;
    }
}
