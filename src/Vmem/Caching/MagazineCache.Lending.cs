namespace Vmem.Caching;

// Lending, while others wait: see CacheWatch.
internal sealed partial class MagazineCache<TItem>
{
    /// <summary>Keeps an item in the current thread's loaded magazine though the cache is closed.</summary>
    /// <param name="item">The item.</param>
    /// <param name="state">For <paramref name="mayLend"/>.</param>
    /// <param name="mayLend">Says whether the item may be kept; under the gate, with room for it.</param>
    /// <returns>False if the cache is open, the magazine has no room, the item may not be kept, or there was no memory.</returns>
    public bool TryLend<TState>(TItem item, TState state, Func<TState, TItem, bool> mayLend)
    {
        int thread = ThreadNumber.Ensure();
        EnterGate();
        try
        {
            if (!_closed)
            {
                return false;
            }

            ThreadMagazines<TItem> mine = Of(thread) ?? Join(thread);
            Magazine<TItem> loaded = mine.Loaded;
            bool isNew = loaded.Items.Length == 0;
            if (isNew && !_depot.TryTakeEmpty(_record.Size.Rounds, out loaded))
            {
                loaded = new Magazine<TItem>(new TItem[_record.Size.Rounds], 0);
            }

            bool heldBefore = _record.MayHold;
            _record.MayHold = true;               // before the lock: who empties the caches under it must not overlook this one
            if (loaded.IsFull || !mayLend(state, item))
            {
                _record.MayHold = heldBefore;
                _depot.PutEmpty(isNew ? loaded : Magazine<TItem>.None, _record.Size.Rounds);
                return false;
            }

            if (isNew)
            {
                Array.Fill(loaded.Items, item);   // only what is lent may be put back
                mine.Load(loaded, isClosed: true);
            }

            mine.Lend(item);
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
        finally
        {
            _gate.Exit();
        }
    }
}
