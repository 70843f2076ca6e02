using System.Numerics;
using Vmem.Checks;
using Vmem.Recording;

namespace Vmem.Caching;

/// <summary>The magazines of an arena's quantum caches: one magazine cache for each of the sizes quantum, 2 · quantum …
/// qcacheMax.</summary>
/// <remarks>They know neither segments nor slabs: <see cref="QuantumCaches{T}"/> takes what they give up.</remarks>
internal sealed partial class RangeMagazines<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>illumos' first magazine for objects as small as these are, 8 or 16 bytes each in a magazine.</summary>
    private const int LeastRounds = 15;

    /// <summary>No thread has magazines in it, so it takes nothing.</summary>
    private static readonly MagazineCache<T> s_watched = new(LeastRounds);

    private readonly Action? _woken;
    private readonly RangeStates<T>? _states;
    private MagazineLayer<T> _layer;              // changes while it is frozen
    private readonly MagazineCache<T>[] _frozen;  // what Freeze has claimed: the first of them
    private int _frozenCount;
    private (long Taken, long DepotTouches) _former;            // of layers that are gone

    /// <param name="classes">How many sizes there are.</param>
    /// <param name="states">What frees are checked against; null: the caller is trusted.</param>
    /// <param name="woken">See <see cref="MagazineCache{TItem}"/>.</param>
    public RangeMagazines(int classes, RangeStates<T>? states, Action? woken)
    {
        _states = states;
        _woken = woken;
        Classes = classes;
        _frozen = new MagazineCache<T>[classes];
        _layer = CreateLayer(null);
    }

    /// <summary>The caches, by class.</summary>
    public MagazineCache<T>[] All => _layer.Caches;

    /// <summary>See <see cref="MagazineLayer{T}.Returns"/>.</summary>
    public MagazineCache<T>[] Returns => _layer.Returns;

    public int Classes { get; }

    /// <summary>Whether any cache may hold something, see <see cref="MagazineCache{TItem}.MayHold"/>.</summary>
    public bool MayHold => Array.Exists(All, static cache => cache.MayHold);

    /// <summary>Whether an interval might find anything to do.</summary>
    public bool HoldAnything => Array.Exists(All, static cache => cache.HoldsAnything);

    /// <summary>Whether a cache may hold something that is not frozen. Frozen, and under the lock.</summary>
    public bool MayHoldUnfrozen
    {
        get
        {
            int frozen = 0;                       // these are in the order of the caches
            foreach (MagazineCache<T> cache in All)
            {
                if (frozen < _frozenCount && _frozen[frozen] == cache)
                {
                    frozen++;
                }
                else if (cache.MayHold)
                {
                    return true;
                }
            }

            return false;
        }
    }

    public MagazineCache<T> this[int sizeClass] => _layer.Caches[sizeClass];

    /// <summary>Stops magazines, so that they can be looked at or emptied, until <see cref="Thaw"/>. By one thread at a time, and before
    /// the arena's lock is taken.</summary>
    /// <param name="isWhole">Whether all; else those that may hold something. More of them may come to hold something until the lock has
    /// been taken: see <see cref="MayHoldUnfrozen"/>.</param>
    public void Freeze(bool isWhole)
    {
        int count = 0;
        foreach (MagazineCache<T> cache in All)
        {
            if (isWhole || cache.MayHold)
            {
                _frozen[count++] = cache;
            }
        }

        MagazineCache<T>.Claim(_frozen.AsSpan(0, count));
        _frozenCount = count;
    }

    /// <summary>Whether a cache is one of those that <see cref="Freeze"/> has stopped. Frozen.</summary>
    public bool IsFrozen(int sizeClass) => Array.IndexOf(_frozen, All[sizeClass], 0, _frozenCount) >= 0;

    public void Thaw() => MagazineCache<T>.Release(_frozen.AsSpan(0, _frozenCount));

    /// <summary>A range from the current thread's magazines, or with a full one from the depot, after the loaded magazine was found empty
    /// or none was shown.</summary>
    /// <returns>False if there is none: it must come from below.</returns>
    public bool TryTake(int sizeClass, T size, out T start)
    {
        MagazineLayer<T> layer = Volatile.Read(ref _layer);
        MagazineCache<T> cache = layer.Caches[sizeClass];
        var guard = new RangeGuard<T>(_states, sizeClass);
        do
        {
            if (cache.TryTakeLoaded(ThreadNumber.Current, guard, out start))
            {
                layer.Recorder?.Allocated(start, size);
                return true;
            }
        }
        while (cache.TryMakeReady());

        return false;
    }

    /// <summary>From now on every free of a size is to be looked at. Under the arena's lock.</summary>
    public void Watch(int sizeClass) => Volatile.Write(ref Returns[sizeClass], s_watched);

    /// <summary>Ends <see cref="Watch"/> for all sizes, unless a span drains, or was revoked. Under the arena's lock.</summary>
    public void WatchNone()
    {
        if (_layer.Withheld.Length == 0)
        {
            All.CopyTo(Returns, 0);
        }
    }

    /// <summary>Nothing comes in from these spans, which are no more than before. Under the arena's lock.</summary>
    public void SetWithheld(Segment<T>[] spans) => _layer.Withheld = spans;

    /// <summary>Returns a range after <see cref="MagazineCache{TItem}.TryReturnLoaded"/> has failed, or no magazine was shown.</summary>
    /// <returns>False if it must go below.</returns>
    public bool TryReturn(int sizeClass, T start)
    {
        MagazineLayer<T> layer = Volatile.Read(ref _layer);
        MagazineCache<T> cache = layer.Caches[sizeClass];
        var guard = new RangeGuard<T>(_states, sizeClass);
        if (!layer.MayKeep(start))
        {
            return false;
        }

        do
        {
            if (!guard.MayGive(start))
            {
                return false;
            }

            // Its place among the records is reserved before anybody can take the range.
            long place = layer.Recorder?.BeginFree() ?? 0;
            bool returned = cache.TryReturnLoaded(ThreadNumber.Current, guard, start);
            layer.Recorder?.EndFree(place, start, returned);
            if (returned)
            {
                return true;
            }
        }
        while (cache.TryMakeRoom());

        return false;
    }

    public MagazineLayer<T> CreateLayer(ArenaRecorder<T>? recorder)
    {
        var caches = new MagazineCache<T>[Classes];
        for (int i = 0; i < caches.Length; i++)
        {
            caches[i] = new MagazineCache<T>(LeastRounds, woken: _woken);
        }

        return new MagazineLayer<T>(caches, recorder);
    }

    /// <summary>Other caches take the place of these, which keep nothing from now on. Frozen, and empty; so are the new ones until
    /// <see cref="Thaw"/>.</summary>
    /// <param name="layer">The new ones.</param>
    /// <param name="isClosed">Whether they are closed.</param>
    /// <param name="withheld">See <see cref="MagazineLayer{T}.Withheld"/>.</param>
    public void MoveTo(MagazineLayer<T> layer, bool isClosed, Segment<T>[] withheld)
    {
        MagazineTotals totals = Count();
        Invariant.Assert(totals.Ranges == 0 && _frozenCount == Classes, "a layer that is left is empty");
        foreach (MagazineCache<T> cache in All)
        {
            cache.Close();
        }

        MagazineCache<T>.Claim(layer.Caches);     // nobody has them yet: there is nothing to wait for
        for (int i = 0; i < Classes; i++)
        {
            layer.Returns[i] = Returns[i] == s_watched || withheld.Length > 0 ? s_watched : layer.Caches[i];
        }

        layer.Withheld = withheld;

        foreach (MagazineCache<T> cache in isClosed ? layer.Caches : [])
        {
            cache.Close();
        }

        _former = (totals.Taken, totals.DepotTouches);
        Volatile.Write(ref _layer, layer);
        MagazineCache<T>.Release(_frozen);        // all are
        layer.Caches.CopyTo(_frozen, 0);
    }

    /// <summary>From now until <see cref="Open"/> nothing comes into the caches that are frozen, but what is lent. Under the lock, and
    /// drained.</summary>
    public void Close()
    {
        foreach (MagazineCache<T> cache in _frozen.AsSpan(0, _frozenCount))
        {
            cache.Close();
        }
    }

    /// <summary>Ends <see cref="Close"/>. Under the lock.</summary>
    public void Open()
    {
        foreach (MagazineCache<T> cache in All)
        {
            cache.Open();
        }
    }

    /// <summary>Forgets all empty magazines.</summary>
    public void DropEmpty()
    {
        foreach (MagazineCache<T> cache in All)
        {
            cache.DropEmpty();
        }
    }

    /// <summary>Ends the magazines. Frozen.</summary>
    public void End()
    {
        foreach (MagazineCache<T> cache in All)
        {
            cache.End();
        }
    }
}

/// <summary>What all magazines of an arena hold and have done.</summary>
/// <param name="Ranges">Ranges in magazines.</param>
/// <param name="Quanta">Their total size in quanta. A number that cannot wrap in a sum of counts that do not belong together.</param>
/// <param name="Taken">Ranges ever taken from magazines.</param>
/// <param name="DepotTouches">How often a thread came to a depot.</param>
internal readonly record struct MagazineTotals(long Ranges, long Quanta, long Taken, long DepotTouches);
