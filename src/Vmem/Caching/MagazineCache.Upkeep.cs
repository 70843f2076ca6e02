namespace Vmem.Caching;

/// <summary>What others than the owners do with the pairs: reap, count, retire.</summary>
internal sealed partial class MagazineCache<TItem>
{
    /// <summary>Enters the gates of some caches and claims the pairs of all threads in all of them: nothing moves until
    /// <see cref="Release"/>. Always in the same order of caches.</summary>
    public static void Claim(ReadOnlySpan<MagazineCache<TItem>> caches)
    {
        bool others = false;
        foreach (MagazineCache<TItem> cache in caches)
        {
            cache.EnterGate();
            ThreadMagazines<TItem>? mine = cache.Of(ThreadNumber.Current);
            foreach (ThreadMagazines<TItem>? pair in cache._pairs)
            {
                pair?.BeginClaim();
                others |= pair != mine && pair is not null;
            }
        }

        if (!others)
        {
            return;
        }

        Interlocked.MemoryBarrierProcessWide();
        foreach (MagazineCache<TItem> cache in caches)
        {
            foreach (ThreadMagazines<TItem>? pair in cache._pairs)
            {
                pair?.AwaitOwner();
            }
        }
    }

    /// <summary>Ends what <see cref="Claim"/> began.</summary>
    public static void Release(ReadOnlySpan<MagazineCache<TItem>> caches)
    {
        foreach (MagazineCache<TItem> cache in caches)
        {
            foreach (ThreadMagazines<TItem>? pair in cache._pairs)
            {
                pair?.EndClaim();
            }

            cache._gate.Exit();
        }
    }

    /// <summary>Takes everything out. Claimed.</summary>
    /// <param name="spilled">Receives the magazines with something in them.</param>
    public void Drain(List<Magazine<TItem>> spilled)
    {
        foreach (ThreadMagazines<TItem> pair in Pairs)
        {
            Spill(pair.Loaded, spilled);
            Spill(pair.Previous, spilled);
            pair.Loaded = pair.Previous = Magazine<TItem>.None;
        }

        _depot.Drain(spilled);
    }

    /// <summary>Takes everything out of the depot; threads keep what they have.</summary>
    public void DrainDepot(List<Magazine<TItem>> spilled)
    {
        lock (_gate)
        {
            _depot.Drain(spilled);
        }
    }

    /// <summary>From now on items are returned to below, until <see cref="Open"/>. Claimed, and drained.</summary>
    public void Close() => _closed = true;

    /// <summary>Ends <see cref="Close"/>. Claimed.</summary>
    public void Open() => _closed = false;

    /// <summary>Ends an interval: the magazine size follows the contention, what the working set does not need is taken out, and threads
    /// that did nothing with the cache all the while give what they hold to the depot.</summary>
    public void Tick(List<Magazine<TItem>> spilled)
    {
        Claim([this]);
        try
        {
            _record.Size.Tick();
            foreach (ThreadMagazines<TItem> pair in Pairs)
            {
                (long Taken, int Rounds) now = (pair.Taken, pair.Rounds);
                if (now.Rounds > 0 && now == pair.Seen)
                {
                    PourOut(pair);
                }

                pair.Seen = now;
            }

            _depot.Tick(spilled);
        }
        finally
        {
            Release([this]);
        }
    }

    /// <summary>Takes a magazine in again that could not be emptied.</summary>
    public void PutBack(Magazine<TItem> magazine)
    {
        lock (_gate)
        {
            _depot.Pour(magazine, _record.Size.Rounds);
        }
    }

    /// <summary>Gives what ended threads have left to the depot. Under the gate. At most once in a tick of the system's coarse clock: a
    /// cache that goes below for every item must not look for the dead each time.</summary>
    /// <returns>Whether there was anything.</returns>
    private bool TryAdoptEnded()
    {
        long now = Environment.TickCount64;
        if (now == _record.LookedForEndedAt)
        {
            return false;
        }

        _record.LookedForEndedAt = now;
        List<ThreadMagazines<TItem>>? ended = null;
        for (int number = 1; number < _pairs.Length; number++)
        {
            if (_pairs[number] is { Rounds: > 0 } pair && ThreadNumbers.HasEnded(number))
            {
                pair.BeginClaim();
                (ended ??= []).Add(pair);
            }
        }

        if (ended is null)
        {
            return false;
        }

        Interlocked.MemoryBarrierProcessWide();   // a new thread may have inherited one of them by now
        foreach (ThreadMagazines<TItem> pair in ended)
        {
            pair.AwaitOwner();
            PourOut(pair);
            pair.EndClaim();
        }

        return true;
    }

    private void PourOut(ThreadMagazines<TItem> pair)
    {
        Magazine<TItem> loaded = pair.Loaded;
        Magazine<TItem> previous = pair.Previous;
        pair.Loaded = pair.Previous = Magazine<TItem>.None;
        _depot.Pour(loaded, _record.Size.Rounds);
        _depot.Pour(previous, _record.Size.Rounds);
    }

    private IEnumerable<ThreadMagazines<TItem>> Pairs => _pairs.OfType<ThreadMagazines<TItem>>();

    /// <summary>What the cache holds and has done. Claimed.</summary>
    public MagazineFigures Count()
    {
        var figures = new MagazineFigures(_depot.Rounds, 0, _record.DepotTouches, _record.Size.Rounds, _depot.FullMagazines, _depot.EmptyMagazines, Pairs.Count());
        foreach (ThreadMagazines<TItem> pair in Pairs)
        {
            figures = figures with { Items = figures.Items + pair.Rounds, Taken = figures.Taken + pair.Taken };
        }

        return figures;
    }

    /// <summary>Adds a copy of every item here. Claimed.</summary>
    public void CopyTo(List<TItem> items)
    {
        _depot.CopyTo(items);
        foreach (ThreadMagazines<TItem> pair in Pairs)
        {
            items.AddRange(pair.Loaded.Contents);
            items.AddRange(pair.Previous.Contents);
        }
    }

    /// <summary>Every invariant of the magazines. Claimed.</summary>
    public void Validate()
    {
        _depot.Validate();
        foreach (ThreadMagazines<TItem> pair in Pairs)
        {
            Magazine<TItem> previous = pair.Previous;
            Invariant.Hold((uint)pair.Loaded.Rounds <= (uint)pair.Loaded.Items.Length, "a magazine holds at most its capacity", $"{pair.Loaded.Rounds} of {pair.Loaded.Items.Length}");
            Invariant.Hold(previous.Rounds == 0 || previous.IsFull, "the previous magazine is full or empty", $"{previous.Rounds} of {previous.Items.Length}");
        }
    }

    private static void Spill(Magazine<TItem> magazine, List<Magazine<TItem>> spilled)
    {
        if (magazine.Rounds > 0)
        {
            spilled.Add(magazine);
        }
    }
}

/// <summary>What a magazine cache holds and has done.</summary>
/// <param name="Items">Items in all magazines.</param>
/// <param name="Taken">Items taken, from magazines or from below.</param>
/// <param name="DepotTouches">How often a thread came to the depot.</param>
/// <param name="MagazineRounds">The size of new magazines.</param>
/// <param name="FullMagazines">Full magazines in the depot.</param>
/// <param name="EmptyMagazines">Empty magazines in the depot.</param>
/// <param name="Threads">Threads that have magazines.</param>
internal readonly record struct MagazineFigures(long Items, long Taken, long DepotTouches, int MagazineRounds, int FullMagazines, int EmptyMagazines, int Threads);
