using Vmem.Checks;

namespace Vmem.Caching;

/// <summary>What others than the owners do with the pairs: reap, count, retire.</summary>
internal sealed partial class MagazineCache<TItem>
{
    /// <summary>Enters the gates of some caches and claims the pairs of all threads in all of them: nothing moves until
    /// <see cref="Release"/>. Always in the same order of caches.</summary>
    public static void Claim(ReadOnlySpan<MagazineCache<TItem>> caches)
    {
        EnterGates(caches);
        bool others = false;
        foreach (MagazineCache<TItem> cache in caches)
        {
            ThreadMagazines<TItem>? mine = cache.Of(ThreadNumber.Current);
            foreach (ThreadMagazines<TItem>? pair in cache._pairs.Entries)
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
            foreach (ThreadMagazines<TItem>? pair in cache._pairs.Entries)
            {
                pair?.AwaitOwner();
            }
        }
    }

    /// <summary>All gates, or none if the thread is interrupted.</summary>
    private static void EnterGates(ReadOnlySpan<MagazineCache<TItem>> caches)
    {
        int entered = 0;
        try
        {
            for (; entered < caches.Length; entered++)
            {
                caches[entered].EnterGate();
            }
        }
        catch
        {
            while (entered > 0)
            {
                caches[--entered]._gate.Exit();
            }

            throw;
        }
    }

    /// <summary>Ends what <see cref="Claim"/> began.</summary>
    public static void Release(ReadOnlySpan<MagazineCache<TItem>> caches)
    {
        foreach (MagazineCache<TItem> cache in caches)
        {
            Invariant.Assert(cache._gate.IsHeldByCurrentThread, "the gates are held until the claim ends");
            foreach (ThreadMagazines<TItem>? pair in cache._pairs.Entries)
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
        Invariant.Assert(_gate.IsHeldByCurrentThread, "the gate is held");
        int most = (2 * _pairs.Entries.Length) + _depot.FullMagazines + 1;
        _ = spilled.EnsureCapacity(spilled.Count + most);
        _depot.Reserve(most);                     // for their way back, too
        foreach (ThreadMagazines<TItem>? pair in _pairs.Entries)
        {
            if (pair is not null)
            {
                Spill(pair.Loaded, spilled);
                Spill(pair.Previous, spilled);
                pair.Loaded = pair.Previous = Magazine<TItem>.None;
            }
        }

        _depot.Drain(spilled);
        _record.MayHold = false;
        Invariant.Assert(_depot.Rounds == 0, "a drained cache has nothing in its depot");
    }

    /// <summary>Forgets the empty magazines in the depot.</summary>
    public void DropEmpty()
    {
        lock (_gate)
        {
            _depot.DropEmpty();
        }
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
    public void Close()
    {
        Invariant.Assert(_gate.IsHeldByCurrentThread, "the gate is held");
        _closed = true;
    }

    /// <summary>Ends <see cref="Close"/>. Claimed.</summary>
    public void Open()
    {
        Invariant.Assert(_gate.IsHeldByCurrentThread, "the gate is held");
        _closed = false;
    }

    /// <summary>Ends an interval: the magazine size follows the contention, what the working set does not need is taken out, and threads
    /// that did nothing with the cache all the while give what they hold to the depot.</summary>
    public void Tick(List<Magazine<TItem>> spilled)
    {
        Claim([this]);
        try
        {
            _record.Size.Tick();
            foreach (ThreadMagazines<TItem>? pair in _pairs.Entries)
            {
                if (pair is not null)
                {
                    (long Taken, int Rounds) now = (pair.Taken, pair.Rounds);
                    if (now.Rounds > 0 && now == pair.Seen)
                    {
                        PourOut(pair);
                    }

                    pair.Seen = now;
                }
            }

            _depot.Tick(spilled);
        }
        finally
        {
            Release([this]);
        }
    }

    /// <summary>Takes magazines in again: emptied, and those that could not be.</summary>
    public void PutBack(List<Magazine<TItem>> magazines)
    {
        if (magazines.Count == 0)
        {
            return;
        }

        lock (_gate)
        {
            foreach (Magazine<TItem> magazine in magazines)
            {
                _record.MayHold |= magazine.Rounds > 0;
                _depot.Pour(magazine, _record.Size.Rounds);
            }
        }
    }

    /// <summary>Gives what ended threads have left to the depot. Under the gate. At most once in a tick of the system's coarse clock: a
    /// cache that goes below for every item must not look for the dead each time.</summary>
    /// <returns>Whether there was anything.</returns>
    private bool TryAdoptEnded()
    {
        Invariant.Assert(_gate.IsHeldByCurrentThread, "the gate is held");
        long now = Environment.TickCount64;
        if (now == _record.LookedForEndedAt)
        {
            return false;
        }

        _record.LookedForEndedAt = now;
        List<ThreadMagazines<TItem>>? ended = null;
        for (int number = 1; number < _pairs.Entries.Length; number++)
        {
            if (_pairs.Entries[number] is { Rounds: > 0 } pair && ThreadNumbers.HasEnded(number))
            {
                (ended ??= []).Add(pair);
                pair.BeginClaim();
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
        Invariant.Assert(_gate.IsHeldByCurrentThread, "the gate is held");
        _depot.Reserve(2);
        Magazine<TItem> loaded = pair.Loaded;
        Magazine<TItem> previous = pair.Previous;
        pair.Loaded = pair.Previous = Magazine<TItem>.None;
        _depot.Pour(loaded, _record.Size.Rounds);
        _depot.Pour(previous, _record.Size.Rounds);
    }

    /// <summary>What the cache holds and has done. Claimed.</summary>
    public MagazineFigures Count()
    {
        Invariant.Assert(_gate.IsHeldByCurrentThread, "the gate is held");
        long items = _depot.Rounds;
        long taken = 0;
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

    private void Spill(Magazine<TItem> magazine, List<Magazine<TItem>> spilled)
    {
        if (magazine.Rounds > 0)
        {
            spilled.Add(magazine);
        }
        else
        {
            _depot.PutEmpty(magazine, _record.Size.Rounds);
        }
    }
}
