using System.Runtime.InteropServices;
using Vmem.Checks;

namespace Vmem.Caching;

// Looking at the magazines of all sizes.
internal sealed partial class RangeMagazines<T>
{
    /// <summary>Whether a range lies in a magazine. Frozen.</summary>
    public bool Contains(T start, int sizeClass) => sizeClass < Classes && All[sizeClass].Contains(start);

    /// <summary>What the magazines hold and have done. Exact if they are frozen or nobody uses them, see
    /// <see cref="MagazineCache{TItem}.Count"/>.</summary>
    public MagazineTotals Count()
    {
        var totals = new MagazineTotals(0, 0, _former.Taken, _former.DepotTouches);
        MagazineCache<T>[] caches = All;
        for (int i = 0; i < caches.Length; i++)
        {
            MagazineFigures figures = caches[i].Count();
            totals = new MagazineTotals(
                totals.Ranges + figures.Items,
                totals.Quanta + ((i + 1) * figures.Items),
                totals.Taken + figures.Taken,
                totals.DepotTouches + figures.DepotTouches);
        }

        return totals;
    }

    /// <summary>Every range in a magazine, and its class. Frozen.</summary>
    /// <exception cref="InvariantViolationException">One is there twice.</exception>
    public Dictionary<T, int> Contents()
    {
        var contents = new Dictionary<T, int>();
        var items = new List<T>();
        for (int i = 0; i < Classes; i++)
        {
            items.Clear();
            All[i].CopyTo(items);
            foreach (T item in CollectionsMarshal.AsSpan(items))
            {
                Invariant.Hold(contents.TryAdd(item, i), "a range is in one magazine", $"{item} is there twice: it was freed twice; ArenaOptions.Audit finds by whom");
            }
        }

        return contents;
    }

    /// <summary>Every invariant of the magazines. Frozen.</summary>
    public void Validate()
    {
        foreach (MagazineCache<T> cache in All)
        {
            cache.Validate();
        }
    }
}
