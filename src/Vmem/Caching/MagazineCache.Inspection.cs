using Vmem.Checks;

namespace Vmem.Caching;

// Looking at the magazines.
internal sealed partial class MagazineCache<TItem>
{
    /// <summary>What the cache holds and has done: exact while nobody changes it. Stops nobody and takes no gate: what a busy thread holds
    /// is that of some moment of the count, and a magazine more or less if the thread exchanges one just then.</summary>
    public MagazineFigures Count()
    {
        long items = _depot.Rounds;
        long taken = _record.FormerTaken;
        int threads = 0;
        foreach (ThreadMagazines<TItem>? pair in _pairs.Entries)
        {
            if (pair is not null)
            {
                items += pair.Rounds;
                taken += pair.Taken;
                threads++;
            }
        }

        return new MagazineFigures(items, taken, _record.DepotTouches, _record.Size.Rounds, _depot.FullMagazines, _depot.EmptyMagazines,
            threads);
    }

    /// <summary>Adds a copy of every item here. Claimed.</summary>
    public void CopyTo(List<TItem> items)
    {
        Invariant.Assert(_gate.IsHeldByCurrentThread, "the gate is held");
        _depot.CopyTo(items);
        foreach (ThreadMagazines<TItem>? pair in _pairs.Entries)
        {
            if (pair is not null)
            {
                items.AddRange(pair.Loaded.Contents);
                items.AddRange(pair.Previous.Contents);
            }
        }
    }

    /// <summary>Whether an item is here. Claimed.</summary>
    public bool Contains(TItem item)
    {
        Invariant.Assert(_gate.IsHeldByCurrentThread, "the gate is held");
        bool found = _depot.Contains(item);
        foreach (ThreadMagazines<TItem>? pair in _pairs.Entries)
        {
            found = found || (pair is not null && (pair.Loaded.Contains(item) || pair.Previous.Contains(item)));
        }

        return found;
    }

    /// <summary>Every invariant of the magazines. Claimed.</summary>
    public void Validate()
    {
        _depot.Validate();
        foreach (ThreadMagazines<TItem>? pair in _pairs.Entries)
        {
            if (pair is not null)
            {
                Magazine<TItem> loaded = pair.Loaded;
                Magazine<TItem> previous = pair.Previous;
                Invariant.Hold((uint)loaded.Rounds <= (uint)loaded.Items.Length, "a magazine holds at most its capacity", $"{loaded.Rounds} of {loaded.Items.Length}");
                Invariant.Hold(previous.Rounds == 0 || previous.IsFull, "the previous magazine is full or empty", $"{previous.Rounds} of {previous.Items.Length}");
            }
        }
    }
}
