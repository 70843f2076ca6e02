using Vmem.Checks;

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
        }

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

        Exploration.ProcessWideBarrier();
        foreach (MagazineCache<TItem> cache in caches)
        {
            foreach (ThreadMagazines<TItem>? pair in cache._pairs.Entries)
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
            Invariant.Assert(cache._gate.IsHeldByCurrentThread, "the gates are held until the claim ends");
            foreach (ThreadMagazines<TItem>? pair in cache._pairs.Entries)
            {
                pair?.EndClaim(cache._closed);
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
                pair.Load(Magazine<TItem>.None, _closed);
                pair.Previous = Magazine<TItem>.None;
            }
        }

        _depot.Drain(spilled);
        Volatile.Write(ref _record.MayHold, false);
        Invariant.Assert(_depot.Rounds == 0, "a drained cache has nothing in its depot");
    }

    /// <summary>Forgets the empty magazines in the depot.</summary>
    public void DropEmpty()
    {
        using (_gate.EnterScope())
        {
            _depot.DropEmpty();
        }
    }

    /// <summary>Takes everything out of the depot; threads keep what they have.</summary>
    public void DrainDepot(List<Magazine<TItem>> spilled)
    {
        using (_gate.EnterScope())
        {
            _depot.Drain(spilled);
        }
    }

    /// <summary>From now on items are returned to below, but for those that are lent, until <see cref="Open"/>. Claimed, and
    /// drained.</summary>
    public void Close()
    {
        Invariant.Assert(_gate.IsHeldByCurrentThread, "the gate is held");
        _closed = true;
    }

    /// <summary>Ends <see cref="Close"/>. Each thread finds that out when it comes to the gate.</summary>
    public void Open() => Volatile.Write(ref _closed, false);

    /// <summary>Forgets everything, and takes nothing in any more. Claimed. Needs no memory.</summary>
    public void End()
    {
        Invariant.Assert(_gate.IsHeldByCurrentThread, "the gate is held");
        _closed = true;
        foreach (ThreadMagazines<TItem>? pair in _pairs.Entries)
        {
            if (pair is not null)
            {
                pair.Load(Magazine<TItem>.None, isClosed: true);
                pair.Previous = Magazine<TItem>.None;
            }
        }

        _depot.Clear();
        Volatile.Write(ref _record.MayHold, false);
    }

    /// <summary>Whether a thread has magazines, or the depot has any. Of some moment.</summary>
    public bool HoldsAnything => _pairs.Entries.Length > 0 || _depot.HoldsAnything;

    /// <summary>Ends an interval: the magazine size follows the contention, threads that did nothing with the cache all the while give what
    /// they have to the depot, and what the working set does not need is taken out.</summary>
    public void Tick(List<Magazine<TItem>> spilled)
    {
        if (!HoldsAnything)
        {
            return;
        }

        using (_gate.EnterScope())
        {
            _record.Size.Tick();
            RetireIdle();
            _depot.Tick(spilled);
        }
    }

    /// <summary>Takes the magazines from threads that have not used them since this was called last. Whether they have is seen without
    /// stopping anybody; only who has not is claimed, for good. Such a thread finds its magazines closed if it comes back, and gets
    /// others.</summary>
    private void RetireIdle()
    {
        List<int>? idle = null;
        for (int thread = 0; thread < _pairs.Entries.Length; thread++)
        {
            if (_pairs.Entries[thread]?.SeemsIdle() == true)
            {
                (idle ??= []).Add(thread);
            }
        }

        if (idle is null)
        {
            return;
        }

        Stop(idle);
        foreach (int thread in idle)
        {
            ThreadMagazines<TItem> pair = _pairs.Entries[thread]!;
            if (pair.SeemsIdle())
            {
                PourOut(pair);
                _record.FormerTaken += pair.Taken;
                _pairs.Remove(thread, none: null);
            }
            else
            {
                pair.EndClaim(_closed);
            }
        }

        _pairs.Trim(none: null);
    }

    /// <summary>Takes magazines in again: emptied, and those that could not be.</summary>
    public void PutBack(List<Magazine<TItem>> magazines)
    {
        if (magazines.Count == 0)
        {
            return;
        }

        using (_gate.EnterScope())
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
        if (now == _record.LookedForEndedAt && !Exploration.IsOn)
        {
            return false;
        }

        _record.LookedForEndedAt = now;
        List<int>? ended = null;
        for (int thread = 1; thread < _pairs.Entries.Length; thread++)
        {
            if (_pairs.Entries[thread] is { Rounds: > 0 } && ThreadNumbers.HasEnded(thread))
            {
                (ended ??= []).Add(thread);
            }
        }

        if (ended is null)
        {
            return false;
        }

        Stop(ended);                              // a new thread may have inherited one of them by now
        foreach (int thread in ended)
        {
            ThreadMagazines<TItem> pair = _pairs.Entries[thread]!;
            PourOut(pair);
            pair.EndClaim(_closed);
        }

        return true;
    }

    /// <summary>Claims the pairs of some threads. Under the gate. Throws <see cref="OutOfMemoryException"/>, having changed nothing; from
    /// here on <see cref="PourOut"/> does not.</summary>
    private void Stop(List<int> threads)
    {
        _depot.Reserve(2 * threads.Count);
        foreach (int thread in threads)
        {
            _pairs.Entries[thread]!.BeginClaim();
        }

        Exploration.ProcessWideBarrier();
        foreach (int thread in threads)
        {
            _pairs.Entries[thread]!.AwaitOwner();
        }
    }

    private void PourOut(ThreadMagazines<TItem> pair)
    {
        Invariant.Assert(_gate.IsHeldByCurrentThread, "the gate is held");
        Magazine<TItem> loaded = pair.Loaded;
        Magazine<TItem> previous = pair.Previous;
        pair.Load(Magazine<TItem>.None, _closed);
        pair.Previous = Magazine<TItem>.None;
        _depot.Pour(loaded, _record.Size.Rounds);
        _depot.Pour(previous, _record.Size.Rounds);
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
