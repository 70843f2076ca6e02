using System.Runtime.ExceptionServices;
using Vmem.Caching;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Listing;

namespace Vmem;

// Letting objects go, and counting.
//
// Nothing is counted on the fast path but what the magazines count themselves, the items taken. An object is made for a rent, so
// Rents = taken + Constructed; what is neither destructed nor in a magazine is out. The lock of the figures is held while objects
// leave the magazines, and is taken before their gate: so whoever counts finds each object in exactly one place.
public sealed partial class ObjectCache<TObject>
{
    private readonly Gate _figures = new();
    private long _constructed;
    private long _destructed;
    private long _upkeepFailures;
    private int _reclaiming;
    private volatile bool _disposed;
    private volatile bool _isEmptied;             // for good

    private delegate void Collect(MagazineCache<Slot> magazines, List<Magazine<Slot>> spilled);

    /// <summary>Asks the user to return what he can spare, and destructs everything that lies in the cache, also in the magazines of other
    /// threads (kmem_cache_reap, which leaves those alone).</summary>
    /// <returns>How many objects were destructed.</returns>
    /// <remarks>O(n). Whatever the callbacks throw, all objects are destructed; the first exception is thrown at the end.</remarks>
    public int Reap()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ExceptionDispatchInfo? failure = null;
        AskToReclaim(ref failure);
        int count = LetGo(DrainAll, ref failure);
        failure?.Throw();
        return count;
    }

    /// <summary>What the cache holds and has done, exact at the time of the call; also after <see cref="Dispose"/>.</summary>
    /// <returns>The figures.</returns>
    /// <remarks>O(threads). All threads that use the cache stop meanwhile.</remarks>
    public ObjectCacheStatistics GetStatistics()
    {
        using (_figures.EnterScope())
        {
            MagazineCache<Slot>.Claim([_magazines]);
            MagazineFigures held;
            try
            {
                held = _magazines.Count();
            }
            finally
            {
                MagazineCache<Slot>.Release([_magazines]);
            }

            long rented = _constructed - _destructed - held.Items;
            return new ObjectCacheStatistics
            {
                Constructed = _constructed,
                Destructed = _destructed,
                Rented = rented,
                Cached = held.Items,
                Rents = held.Taken + _constructed,
                Returns = held.Taken + _constructed - rented,
                DepotTouches = held.DepotTouches,
                FullMagazines = held.FullMagazines,
                EmptyMagazines = held.EmptyMagazines,
                MagazineRounds = held.MagazineRounds,
                Threads = held.Threads,
                UpkeepFailures = _upkeepFailures,
            };
        }
    }

    /// <summary>
    /// Destructs everything that lies in the cache. Idempotent. From then on there is nothing to rent, and what is still out is destructed
    /// when it is returned.
    /// </summary>
    /// <exception cref="OutOfMemoryException">There is no memory for a list of the objects. They are still in the cache: another call tries
    /// again.</exception>
    /// <remarks>Whatever a destructor throws, all objects are destructed; the first exception is thrown at the end.</remarks>
    public void Dispose()
    {
        if (_isEmptied)
        {
            return;
        }

        _disposed = true;
        ObjectCacheMetrics.Caches.Remove(_metered);
        _upkeep!.Dispose();
        ExceptionDispatchInfo? failure = null;
        LetGo(End, ref failure);
        failure?.Throw();
    }

    /// <inheritdoc/>
    ObjectCacheView IListed<ObjectCacheView>.View => new ObjectCacheView<TObject>(this, _metered);

    /// <inheritdoc/>
    /// <remarks>No thread is stopped: an object that passes from one to another may be missed or be counted twice.</remarks>
    bool IMetered.TryRead(int figure, out long value)
    {
        using (_figures.EnterScope())
        {
            MagazineFigures held = _magazines.Count();
            long made = _constructed - _destructed;
            long cached = Math.Clamp(held.Items, 0, made);
            value = (ObjectCacheFigure)figure switch
            {
                ObjectCacheFigure.Rented => made - cached,
                ObjectCacheFigure.Cached => cached,
                ObjectCacheFigure.Constructed => _constructed,
                ObjectCacheFigure.Destructed => _destructed,
                ObjectCacheFigure.Rents => held.Taken + _constructed,
                _ => _upkeepFailures,
            };
        }

        return !_disposed;
    }

    /// <inheritdoc/>
    bool IUpkeepTarget.EndInterval()
    {
        ExceptionDispatchInfo? failure = null;
        LetGo(static (magazines, spilled) => magazines.Tick(spilled), ref failure);
        NoteUpkeepFailure(failure);
        return _reclaim is not null || _magazines.HoldsAnything;
    }

    /// <inheritdoc/>
    void IUpkeepTarget.RelievePressure()
    {
        ExceptionDispatchInfo? failure = null;
        AskToReclaim(ref failure);
        LetGo(
            static (magazines, spilled) =>
            {
                magazines.DrainDepot(spilled);
                magazines.DropEmpty();
            },
            ref failure);
        NoteUpkeepFailure(failure);
    }

    private static void DrainAll(MagazineCache<Slot> magazines, List<Magazine<Slot>> spilled)
    {
        MagazineCache<Slot>.Claim([magazines]);
        try
        {
            magazines.Drain(spilled);
        }
        finally
        {
            MagazineCache<Slot>.Release([magazines]);
        }

        magazines.DropEmpty();
    }

    private void End(MagazineCache<Slot> magazines, List<Magazine<Slot>> spilled)
    {
        MagazineCache<Slot>.Claim([magazines]);
        try
        {
            magazines.Close();
            magazines.Drain(spilled);
            _isEmptied = true;
        }
        finally
        {
            MagazineCache<Slot>.Release([magazines]);
        }

        magazines.DropEmpty();
    }

    /// <summary>Takes objects out of the magazines and destructs them.</summary>
    /// <returns>How many.</returns>
    private int LetGo(Collect collect, ref ExceptionDispatchInfo? failure)
    {
        var spilled = new List<Magazine<Slot>>();
        int count = 0;
        using (_figures.EnterScope())
        {
            try
            {
                collect(_magazines, spilled);
            }
            catch (OutOfMemoryException e)
            {
                failure ??= ExceptionDispatchInfo.Capture(e);          // what was taken out before goes all the same
            }

            foreach (Magazine<Slot> magazine in spilled)
            {
                count += magazine.Rounds;
            }

            _destructed += count;
        }

        foreach (Magazine<Slot> magazine in spilled)
        {
            foreach (Slot slot in magazine.Contents)
            {
                Destruct((TObject)slot.Item, ref failure);
            }
        }

        return count;
    }

    private void Destruct(TObject item, ref ExceptionDispatchInfo? failure)
    {
        try
        {
            _ledger?.Forget(item);
            _destruct?.Invoke(item);
        }
        catch (Exception e)
        {
            failure ??= ExceptionDispatchInfo.Capture(e);
        }
    }

    private void AskToReclaim(ref ExceptionDispatchInfo? failure)
    {
        if (_reclaim is null || Interlocked.Exchange(ref _reclaiming, 1) != 0)
        {
            return;
        }

        try
        {
            _reclaim();
        }
        catch (Exception e)
        {
            failure = ExceptionDispatchInfo.Capture(e);
        }
        finally
        {
            Volatile.Write(ref _reclaiming, 0);
        }
    }

    private void NoteUpkeepFailure(ExceptionDispatchInfo? failure)
    {
        if (failure is null)
        {
            return;
        }

        using (_figures.EnterScope())
        {
            _upkeepFailures++;
        }

        try
        {
            _upkeepFailed?.Invoke(failure.SourceException);
        }
        catch (Exception)
        {
            // It was told; there is nobody to tell that it did not like it.
        }
    }
}
