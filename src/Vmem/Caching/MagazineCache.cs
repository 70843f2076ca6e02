using System.Runtime.CompilerServices;

using Vmem.Checks;

namespace Vmem.Caching;

/// <summary>The magazine layer over one kind of item: thread magazines and their depot.</summary>
/// <remarks>
/// <para>
/// What lies below (a slab layer, a constructor) is the business of the cache's user: <see cref="TryTake"/> and <see cref="TryReturn"/> say
/// no when they have no item or no room, and whatever is to leave the cache is handed over as a list of magazines. So no code of others
/// ever runs under the gate.
/// </para>
/// <para>
/// Empty magazines are made by returning threads only. A thread that only takes never makes one; it goes below for every item, and has
/// nothing here. What a thread has that neither takes nor returns during an interval goes: its items to the depot, the rest for good.
/// </para>
/// <para>
/// <b>What it can hold.</b> Items come in only by being returned, so a cache never holds more than were once out at the same time. Of
/// those, each thread can keep 2 M to itself; the rest lies in the depot, where every thread gets at it, and leaves it when two intervals
/// have not needed it. A thread that returns what others took therefore hands over full magazines, M items at a time, and piles nothing up.
/// </para>
/// <para>
/// The gate is held for the exchange of two magazines. While a thread holds it, the others work on their loaded magazines only; see
/// <see cref="OwnerMark"/> for how these are claimed.
/// </para>
/// </remarks>
internal sealed partial class MagazineCache<TItem>
{
    private readonly Gate _gate = new();
    private readonly Depot<TItem> _depot = new();
    private readonly GateRecord _record;
    private ThreadTable<ThreadMagazines<TItem>> _pairs = new();        // changes under the gate
    private readonly Action? _woken;
    private bool _closed;                         // nothing comes in that is not known; set while claimed

    /// <summary>Makes an empty cache.</summary>
    /// <param name="leastRounds">The size of magazines to begin with.</param>
    /// <param name="mostRounds">The size up to which they grow.</param>
    /// <param name="woken">Is called under the gate when a thread comes to have magazines: from now on there is something to keep in
    /// order.</param>
    public MagazineCache(int leastRounds, int mostRounds = MagazineSize.Largest, Action? woken = null)
    {
        _record = new GateRecord { Size = new MagazineSize(leastRounds, mostRounds) };
        _woken = woken;
    }

    /// <summary>What every visit to the gate writes. An object of its own: every operation reads <c>_pairs</c>, which must not lie on the
    /// same cache line.</summary>
    private sealed class GateRecord : PaddedBefore
    {
        public MagazineSize Size;
        public bool MayHold;                      // a pair has a magazine with room, or the depot has items
        public long DepotTouches;
        public long LookedForEndedAt;
        public long FormerTaken;                  // from magazines of threads that have none any more
    }

    /// <summary>False: no item is here, and none can come without the gate. It becomes true under the gate, and false only while the cache
    /// is claimed and drained; so what is false for all of some caches while none can be drained was false at one moment.</summary>
    public bool MayHold => Volatile.Read(ref _record.MayHold);

    /// <summary>Whether nothing comes in but what is lent. A hint, unless whatever closes and opens is held.</summary>
    public bool IsClosed => Volatile.Read(ref _closed);

    /// <summary>Takes an item from the loaded magazine of the current thread, whose number this is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTakeLoaded(int thread, out TItem item)
    {
        ThreadMagazines<TItem>? mine = Of(thread);
        if (mine is not null)
        {
            return mine.TryPop(out item);
        }

        item = default!;
        return false;
    }

    /// <summary>The same with a guard. False also if that had the item dropped: then there may be more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTakeLoaded<TGuard>(int thread, TGuard guard, out TItem item)
        where TGuard : struct, IItemGuard<TItem>
    {
        ThreadMagazines<TItem>? mine = Of(thread);
        if (mine is not null)
        {
            return mine.TryPop(guard, out item);
        }

        item = default!;
        return false;
    }

    /// <summary>Puts an item into the loaded magazine of the current thread, whose number this is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReturnLoaded(int thread, TItem item) => TryReturnLoaded(thread, default(Unguarded<TItem>), item);

    /// <summary>The same with a guard.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReturnLoaded<TGuard>(int thread, TGuard guard, TItem item)
        where TGuard : struct, IItemGuard<TItem>
    {
        ThreadMagazines<TItem>? mine = Of(thread);
        return mine is not null && mine.TryPush(guard, item);
    }

    /// <summary>Takes an item after <see cref="TryTakeLoaded"/> has failed: from the previous magazine, or with a full one from the
    /// depot.</summary>
    /// <returns>False if there is none: it must come from below.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public bool TryTake(out TItem item)
    {
        item = default!;
        if (!MayHold)
        {
            return false;
        }

        ThreadMagazines<TItem>? mine = Of(ThreadNumber.Current);
        return (mine is not null && mine.TrySwap(full: true) && mine.TryPop(out item)) || TryExchangeForFull(pop: true, out item);
    }

    /// <summary>Sees to it that the current thread's loaded magazine has an item.</summary>
    /// <returns>False if there is none: it must come from below.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public bool TryMakeReady()
    {
        if (!MayHold)
        {
            return false;
        }

        ThreadMagazines<TItem>? mine = Of(ThreadNumber.Current);
        return (mine is not null && mine.TrySwap(full: true)) || TryExchangeForFull(pop: false, out _);
    }

    /// <summary>Returns an item after <see cref="TryReturnLoaded"/> has failed: into the previous magazine, or with an empty one from the
    /// depot.</summary>
    /// <returns>False if the item must go below: the cache takes nothing in, or there was no memory for a magazine.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public bool TryReturn(TItem item)
    {
        try
        {
            ThreadMagazines<TItem>? mine = Of(ThreadNumber.Current);
            return (mine is not null && mine.TrySwap(full: false) && mine.TryPush(item)) || TryExchangeForEmpty(item, push: true);
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    /// <summary>Sees to it that the current thread's loaded magazine has room.</summary>
    /// <returns>False if nothing can be returned: the cache takes nothing in, or there was no memory for a magazine.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public bool TryMakeRoom()
    {
        try
        {
            ThreadMagazines<TItem>? mine = Of(ThreadNumber.Current);
            return (mine is not null && mine.TrySwap(full: false)) || TryExchangeForEmpty(default!, push: false);
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    /// <summary>A thread's magazines; null if it has none. Without the gate it may just have lost them: then they serve nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ThreadMagazines<TItem>? Of(int thread) => _pairs.Of(thread, none: null);

    /// <summary>A thread has magazines from now on. Under the gate. Throws <see cref="OutOfMemoryException"/>.</summary>
    private ThreadMagazines<TItem> Join(int thread)
    {
        ThreadMagazines<TItem> mine = _pairs.Join(thread, none: null, static () => new ThreadMagazines<TItem>());
        _woken?.Invoke();
        return mine;
    }

    /// <summary>Loads a full magazine, and takes an item if one is to be taken.</summary>
    private bool TryExchangeForFull(bool pop, out TItem item)
    {
        int thread = ThreadNumber.Ensure();
        EnterGate();
        try
        {
            _record.DepotTouches++;
            ThreadMagazines<TItem>? mine = Of(thread);
            item = default!;
            if (mine is not null && TryGet(mine, pop, ref item))
            {
                return true;                      // a claimant has come and gone
            }

            if (mine is null || mine.Previous.Rounds == 0)
            {
                if (_depot.Rounds == 0 && !TryAdoptEnded())
                {
                    return false;
                }

                mine ??= Join(thread);
                _ = _depot.TryTakeFull(out Magazine<TItem> full);
                Invariant.Assert(mine.Loaded.Rounds == 0, "both magazines are empty when one is exchanged for a full one");
                Magazine<TItem> empty = mine.Previous;
                mine.Previous = mine.Loaded;
                mine.Load(full, _closed);
                _depot.PutEmpty(empty, _record.Size.Rounds);       // last: it may need memory
            }
            else
            {
                _ = mine.TrySwap(full: true);
            }

            return TryGet(mine, pop, ref item);
        }
        finally
        {
            _gate.Exit();
        }
    }

    /// <summary>Makes room with an empty magazine, and pushes the item if it is to be pushed.</summary>
    private bool TryExchangeForEmpty(TItem item, bool push)
    {
        int thread = ThreadNumber.Ensure();
        Magazine<TItem> made = Magazine<TItem>.None;
        while (true)
        {
            int rounds;
            EnterGate();
            try
            {
                _record.DepotTouches++;
                if (_closed)
                {
                    return false;
                }

                ThreadMagazines<TItem> mine = Of(thread) ?? Join(thread);
                mine.Open();
                if (TryPut(mine, item, push) || (mine.TrySwap(full: false) && TryPut(mine, item, push)))
                {
                    return true;
                }

                rounds = _record.Size.Rounds;
                if (made.Items.Length > 0 || _depot.TryTakeEmpty(rounds, out made))
                {
                    _depot.Reserve(1);
                    if (mine.Previous.Rounds > 0)
                    {
                        _depot.PutFull(mine.Previous);
                    }

                    Invariant.Assert(made.Rounds == 0 && made.Items.Length > 0, "the magazine that makes room is empty");
                    mine.Previous = mine.Loaded;
                    _record.MayHold = true;
                    mine.Load(made, isClosed: false);
                    return TryPut(mine, item, push);
                }
            }
            finally
            {
                _gate.Exit();
            }

            made = new Magazine<TItem>(new TItem[rounds], 0);
        }
    }

    private static bool TryGet(ThreadMagazines<TItem> mine, bool pop, ref TItem item) => pop ? mine.TryPop(out item) : mine.HasItems;

    private static bool TryPut(ThreadMagazines<TItem> mine, TItem item, bool push) => push ? mine.TryPush(item) : mine.HasRoom;

    private void EnterGate()
    {
        Invariant.Assert(!_gate.IsHeldByCurrentThread, "a gate that was entered is left");
        if (!_gate.TryEnter())
        {
            _gate.Enter();
            _record.Size.NoteContention();
        }
    }
}
