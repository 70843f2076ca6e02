using System.Numerics;
using System.Runtime.InteropServices;
using Vmem.Checks;
using Vmem.Recording;

namespace Vmem.Caching;

/// <summary>The magazines of an arena's quantum caches: one magazine cache for each of the sizes quantum, 2 · quantum …
/// qcacheMax.</summary>
/// <remarks>They know neither segments nor slabs: <see cref="QuantumCaches{T}"/> takes what they give up.</remarks>
internal sealed class RangeMagazines<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>illumos' first magazine for objects as small as these are, 8 or 16 bytes each in a magazine.</summary>
    private const int LeastRounds = 15;

    private readonly T _quantum;
    private MagazineLayer<T> _layer;              // changes while it is frozen
    private MagazineCache<T>[] _frozen = [];      // what Freeze has claimed
    private (long Taken, long DepotTouches) _former;            // of layers that are gone
    private int _suspensions;
    private bool _ended;

    public RangeMagazines(T quantum, int classes)
    {
        _quantum = quantum;
        Classes = classes;
        _layer = CreateLayer(null);
    }

    /// <summary>The caches, by class.</summary>
    public MagazineCache<T>[] All => _layer.Caches;

    public int Classes { get; }

    /// <summary>Whether the caches must keep nothing.</summary>
    public bool IsSuspended => Volatile.Read(ref _suspensions) != 0;

    /// <summary>Whether any of them may hold anything.</summary>
    public bool MayHold
    {
        get
        {
            foreach (MagazineCache<T> cache in All)
            {
                if (cache.MayHold)
                {
                    return true;
                }
            }

            return false;
        }
    }

    public MagazineCache<T> this[int sizeClass] => _layer.Caches[sizeClass];

    /// <summary>Stops all magazines, so that they can be looked at or emptied, until <see cref="Thaw"/>. To be called before the arena's
    /// lock is taken.</summary>
    public void Freeze()
    {
        while (true)
        {
            MagazineCache<T>[] caches = Volatile.Read(ref _layer).Caches;
            MagazineCache<T>.Claim(caches);
            if (caches == _layer.Caches)
            {
                _frozen = caches;
                return;
            }

            MagazineCache<T>.Release(caches);     // others have taken their place meanwhile
        }
    }

    private bool TryFreeze()
    {
        Freeze();
        return true;
    }

    public void Thaw() => MagazineCache<T>.Release(_frozen);

    /// <summary>A range from the current thread's magazines, or with a full one from the depot, after the loaded magazine was found empty
    /// or none was shown.</summary>
    /// <returns>False if there is none: it must come from below.</returns>
    public bool TryTake(int sizeClass, T size, out T start)
    {
        MagazineLayer<T> layer = Volatile.Read(ref _layer);
        return layer.Recorder is null ? layer.Caches[sizeClass].TryTake(out start) : layer.TryTakeRecorded(sizeClass, size, out start);
    }

    /// <summary>Returns a range after <see cref="MagazineCache{TItem}.TryReturnLoaded"/> has failed, or no magazine was shown.</summary>
    /// <returns>False if it must go below.</returns>
    public bool TryReturn(int sizeClass, T start)
    {
        MagazineLayer<T> layer = Volatile.Read(ref _layer);
        return layer.Recorder is null ? layer.Caches[sizeClass].TryReturn(start) : layer.TryReturnRecorded(sizeClass, start);
    }

    public MagazineLayer<T> CreateLayer(ArenaRecorder<T>? recorder)
    {
        var caches = new MagazineCache<T>[Classes];
        for (int i = 0; i < caches.Length; i++)
        {
            caches[i] = new MagazineCache<T>(LeastRounds);
        }

        return new MagazineLayer<T>(caches, recorder);
    }

    /// <summary>Other caches take the place of these, which keep nothing from now on. Frozen, and empty; so are the new ones until
    /// <see cref="Thaw"/>.</summary>
    public void MoveTo(MagazineLayer<T> layer)
    {
        MagazineTotals<T> totals = Count();
        Invariant.Assert(totals.Ranges == 0, "a layer that is left is empty");
        foreach (MagazineCache<T> cache in All)
        {
            cache.Close();
        }

        MagazineCache<T>.Claim(layer.Caches);     // nobody has them yet: there is nothing to wait for
        foreach (MagazineCache<T> cache in layer.Caches)
        {
            if (IsSuspended)
            {
                cache.Close();
            }
        }

        _former = (totals.Taken, totals.DepotTouches);
        MagazineCache<T>[] left = _frozen;
        _frozen = layer.Caches;
        Volatile.Write(ref _layer, layer);
        MagazineCache<T>.Release(left);
    }

    /// <summary>From now until <see cref="Resume"/> nothing comes into the caches. Calls nest.</summary>
    public void Suspend()
    {
        Freeze();
        _suspensions++;
        foreach (MagazineCache<T> cache in All)
        {
            cache.Close();
        }

        Thaw();
    }

    /// <summary>Ends one <see cref="Suspend"/>. An interrupt waits: the caches would stay suspended for good.</summary>
    public void Resume()
    {
        using var interrupts = new DeferredInterrupt();
        while (!interrupts.Try(this, static magazines => magazines.TryFreeze()))
        {
        }

        if (--_suspensions == 0 && !_ended)
        {
            foreach (MagazineCache<T> cache in All)
            {
                cache.Open();
            }
        }

        Thaw();
    }

    /// <summary>Forgets all empty magazines.</summary>
    public void DropEmpty()
    {
        foreach (MagazineCache<T> cache in All)
        {
            cache.DropEmpty();
        }
    }

    /// <summary>Whether a range lies in a magazine. Frozen.</summary>
    public bool Contains(T start, int sizeClass) => sizeClass < Classes && All[sizeClass].Contains(start);

    /// <summary>What the magazines hold and have done. Frozen.</summary>
    public MagazineTotals<T> Count()
    {
        var totals = new MagazineTotals<T>(0, T.Zero, _former.Taken, _former.DepotTouches);
        MagazineCache<T>[] caches = All;
        for (int i = 0; i < caches.Length; i++)
        {
            MagazineFigures figures = caches[i].Count();
            totals = new MagazineTotals<T>(
                totals.Ranges + figures.Items,
                totals.Units + (_quantum * T.CreateTruncating((i + 1) * figures.Items)),
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

    /// <summary>Ends the magazines. Frozen.</summary>
    public void End()
    {
        _ended = true;
        foreach (MagazineCache<T> cache in All)
        {
            cache.Drain([]);
            cache.Close();
        }
    }
}

/// <summary>What all magazines of an arena hold and have done.</summary>
/// <param name="Ranges">Ranges in magazines.</param>
/// <param name="Units">Their total size.</param>
/// <param name="Taken">Ranges ever taken from magazines.</param>
/// <param name="DepotTouches">How often a thread came to a depot.</param>
internal readonly record struct MagazineTotals<T>(long Ranges, T Units, long Taken, long DepotTouches)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>;
