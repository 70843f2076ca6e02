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
/// Empty magazines are made by returning threads only. A thread that only takes never makes one; it goes below for every item.
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
    private readonly Lock _gate = new();
    private readonly Depot<TItem> _depot = new();
    private readonly GateRecord _record;
    private ThreadTable<ThreadMagazines<TItem>> _pairs = new();        // changes under the gate
    private bool _closed;                         // nothing may come in

    /// <summary>Makes an empty cache.</summary>
    /// <param name="leastRounds">The size of magazines to begin with.</param>
    /// <param name="mostRounds">The size up to which they grow.</param>
    public MagazineCache(int leastRounds, int mostRounds = MagazineSize.Largest) =>
        _record = new GateRecord { Size = new MagazineSize(leastRounds, mostRounds) };

    /// <summary>What every visit to the gate writes. An object of its own: every operation reads <c>_pairs</c>, which must not lie on the
    /// same cache line.</summary>
    private sealed class GateRecord : PaddedBefore
    {
        public MagazineSize Size;
        public long DepotTouches;
        public bool MayHold;
        public long LookedForEndedAt;
    }

    /// <summary>Whether anything was returned since all was taken out. Only <see cref="TryReturn"/> gives an emptied cache a magazine to
    /// return to.</summary>
    public bool MayHold => Volatile.Read(ref _record.MayHold);

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

    /// <summary>Puts an item into the loaded magazine of the current thread, whose number this is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReturnLoaded(int thread, TItem item)
    {
        ThreadMagazines<TItem>? mine = Of(thread);
        return mine is not null && mine.TryPush(item);
    }

    /// <summary>Takes an item after <see cref="TryTakeLoaded"/> has failed: from the previous magazine, or with a full one from the
    /// depot.</summary>
    /// <returns>False if there is none: it must come from below.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public bool TryTake(out TItem item)
    {
        ThreadMagazines<TItem> mine = Of(ThreadNumber.Current) ?? Join();
        return (mine.TrySwap(full: true) && mine.TryPop(out item)) || TryExchangeForFull(mine, out item);
    }

    /// <summary>Returns an item after <see cref="TryReturnLoaded"/> has failed: into the previous magazine, or with an empty one from the
    /// depot.</summary>
    /// <returns>False if the item must go below: the cache takes nothing in, or there was no memory for a magazine.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public bool TryReturn(TItem item)
    {
        try
        {
            ThreadMagazines<TItem> mine = Of(ThreadNumber.Current) ?? Join();
            return (mine.TrySwap(full: false) && mine.TryPush(item)) || TryExchangeForEmpty(mine, item, push: true);
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
            ThreadMagazines<TItem> mine = Of(ThreadNumber.Current) ?? Join();
            return mine.TrySwap(full: false) || TryExchangeForEmpty(mine, default!, push: false);
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    /// <summary>A thread's magazines; null if it has not come yet. Once there, they are the thread's for good.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ThreadMagazines<TItem>? Of(int thread) => _pairs.Of(thread, none: null);

    /// <summary>The current thread comes for the first time.</summary>
    private ThreadMagazines<TItem> Join()
    {
        int number = ThreadNumber.Ensure();
        EnterGate();
        try
        {
            return _pairs.Join(number, none: null, static () => new ThreadMagazines<TItem>());
        }
        finally
        {
            _gate.Exit();
        }
    }

    private bool TryExchangeForFull(ThreadMagazines<TItem> mine, out TItem item)
    {
        EnterGate();
        try
        {
            _record.DepotTouches++;
            if (mine.TryPop(out item))
            {
                return true;                      // a claimant has come and gone
            }

            if (mine.Previous.Rounds == 0)
            {
                if (!_depot.TryTakeFull(out Magazine<TItem> full) && !(TryAdoptEnded() && _depot.TryTakeFull(out full)))
                {
                    return false;
                }

                Invariant.Assert(mine.Loaded.Rounds == 0, "both magazines are empty when one is exchanged for a full one");
                Magazine<TItem> empty = mine.Previous;
                mine.Previous = mine.Loaded;
                mine.Loaded = full;
                _depot.PutEmpty(empty, _record.Size.Rounds);       // last: it may need memory
            }
            else
            {
                _ = mine.TrySwap(full: true);
            }

            return mine.TryPop(out item);
        }
        finally
        {
            _gate.Exit();
        }
    }

    /// <summary>Makes room with an empty magazine, and pushes the item if it is to be pushed.</summary>
    private bool TryExchangeForEmpty(ThreadMagazines<TItem> mine, TItem item, bool push)
    {
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

                    Volatile.Write(ref _record.MayHold, true);
                    Invariant.Assert(made.Rounds == 0 && made.Items.Length > 0, "the magazine that makes room is empty");
                    mine.Previous = mine.Loaded;
                    mine.Loaded = made;
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
