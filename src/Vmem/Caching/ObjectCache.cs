using System.Diagnostics;
using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Listing;

namespace Vmem;

/// <summary>
/// Objects that are constructed once and used many times: the object cache of Bonwick's slab allocator ("The Slab Allocator: An
/// Object-Caching Kernel Memory Allocator", USENIX 1994), with the magazines of "Magazines and Vmem" (USENIX 2001), for managed objects.
/// </summary>
/// <remarks>
/// <para>
/// An object is <em>constructed</em> when a thread wants one and the cache has none, <em>rented</em> and <em>returned</em> any number of
/// times, and <em>destructed</em> when the cache lets it go. Its user returns it in its constructed state: what a constructor has set up
/// (buffers, tables, handles) need not be set up again.
/// </para>
/// <para>
/// Each thread has two magazines of its own, and rents and returns without a lock or an interlocked instruction; threads exchange whole
/// magazines in the depot. Any thread may return what another has rented. The cache is safe for all threads.
/// </para>
/// <para>
/// <b>What it holds.</b> An object is constructed only if neither the thread's magazines nor the depot have one: what lies in another
/// thread's magazines is not taken. Each thread keeps at most two magazines (<see cref="ObjectCacheOptions.LeastRounds"/>); the rest lies
/// in the depot for everyone. What two intervals of 15 s have not needed is
/// destructed; so is everything in the depot when the system's memory is short; and everything there is by <see cref="Reap"/> and
/// <see cref="Dispose"/>. What a thread leaves when it ends is inherited.
/// </para>
/// <para>
/// <b>Callbacks</b> are never called under a lock, and may use the cache. A constructor that throws has made nothing: the exception is
/// <see cref="Rent"/>'s. A destructor that throws has had its object all the same, and the others get theirs: the first exception is thrown
/// at the end by whoever let the objects go. On a thread of the upkeep that is nobody: there it is told to
/// <see cref="ObjectCacheOptions.UpkeepFailed"/>, counted, and goes no further.
/// </para>
/// <para>
/// Rejected: a finaliser. It would destruct on the finaliser's thread objects that may be finalised already. A cache that is dropped
/// without <see cref="Dispose"/> is collected with its objects, and they are not destructed.
/// </para>
/// <para>
/// Rejected: one slot before a shared queue, as most pools have it. Two threads that both rent two objects at a time meet in the queue at
/// every other call; here they meet once in a magazine.
/// </para>
/// </remarks>
/// <typeparam name="TObject">What is cached.</typeparam>
[DebuggerDisplay("{Name,nq}: {_constructed} constructed, {_destructed} destructed")]
public sealed partial class ObjectCache<TObject> : IUpkeepTarget, IListed<ObjectCacheView>, IDisposable
    where TObject : class
{
    private readonly MagazineCache<Slot> _magazines;
    private readonly MagazineCache<Slot> _front;  // what the fast path looks into: the magazines, or nothing if every call is to be audited
    private readonly MeteredEntry _metered;
    private readonly Func<TObject> _construct;
    private readonly Action<TObject>? _destruct;
    private readonly Action? _reclaim;
    private readonly Action<Exception>? _upkeepFailed;
    private readonly ReturnLedger? _ledger;
    private readonly bool _searches;              // what comes back is looked for in the thread's magazines
    private readonly Upkeep? _upkeep;

    /// <summary>Makes an empty cache (kmem_cache_create).</summary>
    /// <param name="name">A name for messages and metrics.</param>
    /// <param name="construct">Makes an object; not null.</param>
    /// <param name="destruct">Called once for each object that the cache lets go. Null: there is nothing to do.</param>
    /// <param name="reclaim">Asks the cache's user to return what he can spare: called when the system's memory is short, and at the
    /// beginning of <see cref="Reap"/>; not while another call of it is running. Null: he can spare nothing.</param>
    /// <param name="options">How it behaves; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    public ObjectCache(string name, Func<TObject> construct, Action<TObject>? destruct = null, Action? reclaim = null,
        ObjectCacheOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(construct);
        options ??= new ObjectCacheOptions();
        CheckOptions(options);
        Name = name;
        _construct = construct;
        _destruct = destruct;
        _reclaim = reclaim;
        _upkeepFailed = options.UpkeepFailed;
        _searches = !options.TrustCaller;
        _magazines = new MagazineCache<Slot>(options.LeastRounds, options.MostRounds, () => _upkeep?.Wake());
        _ledger = options.Audit ? new ReturnLedger(name, options.TimeProvider) : null;
        _front = options.Audit ? new MagazineCache<Slot>(options.LeastRounds, options.MostRounds) : _magazines;
        _upkeep = Upkeep.Start(this, options.TimeProvider);
        ObjectCacheMetrics.Caches.Add(this, out _metered);
    }

    /// <summary>The cache's name.</summary>
    public string Name { get; }

    /// <summary>Takes an object out of the cache, or constructs one (kmem_cache_alloc).</summary>
    /// <returns>An object that is the caller's until he returns it.</returns>
    /// <exception cref="ObjectDisposedException">The cache has been disposed.</exception>
    /// <exception cref="InvalidOperationException">The constructor has returned null.</exception>
    /// <remarks>O(1), besides the constructor. Whatever the constructor throws comes through, and nothing has changed.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TObject Rent()
    {
        int thread = ThreadNumber.Current;        // first: it is a call, and nothing is in registers yet
        return _front.TryTakeLoaded(thread, out Slot slot) ? Unsafe.As<TObject>(slot.Item) : RentSlowly();
    }

    /// <summary>Gives an object back, in its constructed state (kmem_cache_free).</summary>
    /// <param name="item">The object; any thread may return it. Not to be used afterwards.</param>
    /// <exception cref="ArgumentNullException">There is no object.</exception>
    /// <exception cref="InvalidReturnException">The object lies in a magazine of this thread: it was returned before. In a cache that is
    /// audited: it is not out. Nothing was changed.</exception>
    /// <remarks>O(1), with a look through the thread's magazines. If the cache has been disposed, the object is destructed at once, and
    /// what the destructor throws comes through.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Return(TObject item)
    {
        int thread = ThreadNumber.Current;
        if (item is null || !_front.TryReturnLoaded(thread, new SlotGuard(_searches), new Slot(item)))
        {
            ReturnSlowly(item!);
        }
    }

    /// <summary>Gives an object back that is not fit to be used again: it is destructed at once.</summary>
    /// <param name="item">The object.</param>
    /// <exception cref="ArgumentNullException">There is no object.</exception>
    /// <exception cref="InvalidReturnException">As <see cref="Return"/>.</exception>
    /// <remarks>What the destructor throws comes through.</remarks>
    public void Discard(TObject item)
    {
        ArgumentNullException.ThrowIfNull(item);
        _ledger?.NoteReturn(item);
        ThrowIfHere(item);
        LetGo(item);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private TObject RentSlowly()
    {
        TObject item = _magazines.TryTakeLoaded(ThreadNumber.Current, out Slot slot) || _magazines.TryTake(out slot)
            ? Unsafe.As<TObject>(slot.Item)
            : Construct();
        try
        {
            _ledger?.NoteRent(item);
        }
        catch
        {
            // Nobody gets it, so nobody would return it.
            Conclusion.Undo((Cache: this, Item: item), static it => it.Cache.LetGo(it.Item));
            throw;
        }

        return item;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ReturnSlowly(TObject item)
    {
        ArgumentNullException.ThrowIfNull(item);
        _ledger?.NoteReturn(item);
        ThrowIfHere(item);
        var slot = new Slot(item);
        if (!_magazines.TryReturnLoaded(ThreadNumber.Current, slot) && !_magazines.TryReturn(slot))
        {
            LetGo(item);
        }
    }

    private void ThrowIfHere(TObject item)
    {
        if (_searches && _magazines.Of(ThreadNumber.Current) is { } mine
            && mine.Holds(new Slot(item), static (held, returned) => ReferenceEquals(held.Item, returned.Item)))
        {
            throw new InvalidReturnException(InvalidReturnReason.AlreadyReturned,
                $"This {item.GetType()} is in cache '{Name}' already: this thread returned it before, and nobody has rented it since. Nothing was changed. {nameof(ObjectCacheOptions)}.{nameof(ObjectCacheOptions.Audit)} tells who returned it, also where that was another thread.");
        }
    }

    private TObject Construct()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        TObject item = _construct() ?? throw new InvalidOperationException($"The constructor of cache '{Name}' returned null.");
        using (_figures.EnterScope())
        {
            _constructed++;
        }

        return item;
    }

    /// <summary>Destructs an object that came from a caller.</summary>
    private void LetGo(TObject item)
    {
        using (_figures.EnterScope())
        {
            _destructed++;
        }

        _ledger?.Forget(item);
        _destruct?.Invoke(item);
    }

    private static void CheckOptions(ObjectCacheOptions options)
    {
        ArgumentNullException.ThrowIfNull(options.TimeProvider, nameof(options));
        if (options.LeastRounds < 1 || options.LeastRounds > MagazineSize.Largest)
        {
            throw new ArgumentException($"LeastRounds is 1 to {MagazineSize.Largest}, and not {options.LeastRounds}.", nameof(options));
        }

        if (options.MostRounds < options.LeastRounds || options.MostRounds > MagazineSize.Largest)
        {
            throw new ArgumentException($"MostRounds is LeastRounds ({options.LeastRounds}) to {MagazineSize.Largest}, and not {options.MostRounds}.", nameof(options));
        }
    }
}
