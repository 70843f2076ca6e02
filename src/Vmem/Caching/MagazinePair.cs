using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Caching;

/// <summary>What one thread holds of one cache: the loaded magazine and the previous one.</summary>
/// <remarks>
/// <para>
/// The magazine layer of Bonwick &amp; Adams (2001, §3): a thread takes items from, and returns them to, its <em>loaded</em> magazine, an
/// array used as a stack. When that cannot serve, the <em>previous</em> one, which is always either full or empty, takes its place; only
/// when neither can does the thread go to the cache's depot and exchange one. With a single magazine a loop of two allocations and two
/// frees could go to the depot on half of its operations; with two, M operations at least lie between two visits.
/// </para>
/// <para>
/// The owner uses no interlocked instruction. Others who need the contents (to reap, to count, to validate) <em>claim</em> them
/// (<see cref="OwnerMark"/>): the claimant takes the loaded magazine away and leaves one of no capacity, which serves neither taking nor
/// returning. So the owner's only test is that of the array's bounds, which is there anyway.
/// </para>
/// <para>
/// A cache that is <em>closed</em> takes nothing in that it does not know. Items are taken from one array and put into another. In an open
/// cache the two are the same; in a closed one the second has no capacity, and is the only difference: neither operation tests for it.
/// Then <see cref="TryPutBack"/> takes only the item that was taken last from the same place.
/// </para>
/// <para>
/// Rejected: one stack of 2 M, as a heap's threads have it, of which M are copied to the depot or from it. Then one type would serve both.
/// Against the pair (medians of nine alternating processes), quantum caches gain: ten thousand random ranges take 0.85 of the time, bursts
/// of 25 0.83, a hot pair of operations 1.02. But object caches lose: bursts of 1,000 take 1.04, of 10,000 1.10. Each reference that is
/// copied passes the collector's write barrier, and its old place has to be cleared. With a depot of single items instead of magazines
/// that is 1.04 and 1.07, and a depot that grows allocates 1.7 times as much. Memory held is the same.
/// </para>
/// <para>The fields have two cache lines of padding on either side, as the owner writes them all the time.</para>
/// </remarks>
internal abstract class MagazinePair<TItem> : PaddedBefore
{
    /// <summary>The largest magazine there may be: rounds take eight bits of <c>_state</c>.</summary>
    public const int MaxRounds = 255;

    private const long OneTaken = MaxRounds + 1;

#pragma warning disable CA1825 // not Array.Empty: it must not be shared
    private static readonly TItem[] s_claimed = new TItem[0];
#pragma warning restore CA1825

    private OwnerMark _mark;                      // the owner is at work on the other fields
    private Shared<long> _state;                  // rounds of the loaded magazine, plus 256 for each item ever taken
    private Shared<TItem[]> _loaded = new([]);    // items are taken from here
    private Shared<TItem[]> _into = new([]);      // and put here: the same array, or one of no capacity if the pair takes nothing in
    private Shared<TItem[]> _previous = new([]);
    private Shared<int> _previousRounds;          // 0 or its length
    private TItem[] _aside = [];                  // the loaded magazine of a claimed pair; under the gate

    /// <summary>Items taken from here so far.</summary>
    public long Taken => _state.Read() / OneTaken;

    /// <summary>Items that lie here.</summary>
    public int Rounds => (byte)_state.Read() + _previousRounds.Read();

    /// <summary>Whether the loaded magazine takes an item in. By the owner under the gate.</summary>
    public bool HasRoom => (byte)_state.Read() < _into.Read().Length;

    /// <summary>Whether an item can be taken from the loaded magazine. By the owner under the gate.</summary>
    public bool HasItems => (byte)_state.Read() > 0;

    private bool IsClaimed => ReferenceEquals(_loaded.Peek(), s_claimed);

    /// <summary>The magazine that the owner works with. Only while the pair is claimed, or by the owner under the gate.</summary>
    public Magazine<TItem> Loaded => new(IsClaimed ? _aside : _loaded.Read(), (byte)_state.Read());

    /// <summary>The magazine in reserve. Only while the pair is claimed, or by the owner under the gate.</summary>
    public Magazine<TItem> Previous
    {
        get => new(_previous.Read(), _previousRounds.Read());
        set
        {
            Invariant.Assert(value.Rounds == 0 || value.IsFull, "the previous magazine is full or empty");
            _previous.Write(value.Items);
            _previousRounds.Write(value.Rounds);
        }
    }

    /// <summary>Gives the owner a magazine to work with. Only while the pair is claimed, or by the owner under the gate.</summary>
    /// <param name="magazine">The magazine.</param>
    /// <param name="isClosed">Whether its cache is closed.</param>
    public void Load(in Magazine<TItem> magazine, bool isClosed)
    {
        Invariant.Assert((uint)magazine.Rounds <= (uint)magazine.Items.Length, "a magazine holds at most its capacity");
        if (IsClaimed)
        {
            _aside = magazine.Items;
        }
        else
        {
            _loaded.Write(magazine.Items);
            _into.Write(isClosed ? s_claimed : magazine.Items);
        }

        SetRounds(magazine.Rounds);
    }

    /// <summary>The cache has been opened again. By the owner under the gate.</summary>
    public void Open() => _into.Write(_loaded.Read());

    /// <summary>Takes an item from the loaded magazine. Owner only.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPop(out TItem item) => TryPop(default(Unguarded<TItem>), out item);

    /// <summary>The same with a guard. False also if that has the item dropped: then there may be more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPop<TGuard>(TGuard guard, out TItem item)
        where TGuard : struct, IItemGuard<TItem>
    {
        BeginOperation();
        TItem[] loaded = _loaded.VolatileRead();
        long state = _state.Read();
        uint top = (uint)(state & MaxRounds) - 1;
        if (top < (uint)loaded.Length)
        {
            item = loaded.ReadItem((nint)top);
            if (RuntimeHelpers.IsReferenceOrContainsReferences<TItem>())
            {
                loaded.WriteItem((nint)top, default!);
            }

            _state.Write(state + (OneTaken - 1));
            bool isTaken = guard.TryTake(item);
            EndOperation();
            return isTaken;
        }

        EndOperation();
        item = default!;
        return false;
    }

    /// <summary>Puts an item into the loaded magazine. Owner only.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPush(TItem item) => TryPush(default(Unguarded<TItem>), item);

    /// <summary>Puts an item into the loaded magazine, if the guard has it. Owner only.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPush<TGuard>(TGuard guard, TItem item)
        where TGuard : struct, IItemGuard<TItem>
    {
        BeginOperation();
        TItem[] into = _into.VolatileRead();
        long state = _state.Read();
        uint rounds = (uint)(state & MaxRounds);
        if (rounds < (uint)into.Length && !(guard.Searches && SeemsHere(guard, into, (int)rounds, item)) && guard.TryGive(item))
        {
            into.WriteItem((nint)rounds, item);
            _state.Write(state + 1);
            EndOperation();
            return true;
        }

        EndOperation();
        return false;
    }

    /// <summary>Whether an item lies in either magazine. Owner only.</summary>
    public bool Holds(TItem item, Func<TItem, TItem, bool> areSame)
    {
        BeginOperation();
        bool isHere = IsAmong(_loaded.VolatileRead(), (byte)_state.Read()) || IsAmong(_previous.Read(), _previousRounds.Read());
        EndOperation();
        return isHere;

        bool IsAmong(TItem[] items, int rounds)
        {
            for (int i = 0; i < Math.Min(rounds, items.Length); i++)
            {
                if (areSame(items.ReadItem(i), item))
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Puts an item back into the place from which it was taken last, though the cache be closed. Owner only.</summary>
    /// <returns>False if another item was there, or the guard does not have it.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPutBack<TGuard>(TGuard guard, TItem item)
        where TGuard : struct, IItemGuard<TItem>
    {
        BeginOperation();
        TItem[] loaded = _loaded.VolatileRead();
        long state = _state.Read();
        uint rounds = (uint)(state & MaxRounds);
        if (rounds < (uint)loaded.Length && EqualityComparer<TItem>.Default.Equals(loaded.ReadItem((nint)rounds), item)
            && guard.TryGive(item))
        {
            _state.Write(state + 1);
            EndOperation();
            return true;
        }

        EndOperation();
        return false;
    }

    /// <summary>Keeps an item that the closed cache knows. By the owner under the gate.</summary>
    public void Lend(TItem item)
    {
        int rounds = (byte)_state.Read();
        TItem[] loaded = _loaded.Read();
        Invariant.Assert(rounds < loaded.Length && !HasRoom, "a closed cache lends what there is room for");
        loaded.WriteItem(rounds, item);
        SetRounds(rounds + 1);
    }

    /// <summary>Swaps the two magazines if the previous one can serve and the loaded one cannot. Owner only.</summary>
    /// <param name="full">Whether a full one is wanted, or an empty one.</param>
    /// <remarks>That the owner has just found nothing in the loaded magazine says nothing about it: it may have been claimed meanwhile, and
    /// be back.</remarks>
    public bool TrySwap(bool full)
    {
        BeginOperation();
        TItem[] loaded = _loaded.VolatileRead();
        TItem[] previous = _previous.Read();
        int previousRounds = _previousRounds.Read();
        int rounds = (byte)_state.Read();
        bool swap = !ReferenceEquals(loaded, s_claimed) &&
            (full ? rounds == 0 && previousRounds > 0 : rounds == loaded.Length && previousRounds < previous.Length) &&
            ReferenceEquals(_loaded.CompareExchange(previous, loaded), loaded);
        if (swap)
        {
            _ = _into.CompareExchange(previous, loaded);      // neither of a closed cache, nor of a claimed pair
            SetRounds(previousRounds);
            _previous.Write(loaded);
            _previousRounds.Write(rounds);
        }

        EndOperation();
        return swap;
    }

    /// <summary>Claims the pair, in effect after a process-wide barrier and <see cref="AwaitOwner"/>. Under the gate.</summary>
    public void BeginClaim()
    {
        Invariant.Assert(!IsClaimed, "a pair is claimed once at a time");
        _aside = _loaded.Exchange(s_claimed);
        _into.VolatileWrite(s_claimed);
    }

    /// <summary>Waits until the owner is out of the operation that it may have begun before the claim.</summary>
    public void AwaitOwner() => _mark.Await();

    /// <summary>Ends a claim.</summary>
    /// <param name="isClosed">Whether the pair's cache is closed.</param>
    public void EndClaim(bool isClosed)
    {
        Invariant.Assert(IsClaimed, "a claim ends that has begun");
        // In this order: while the owner sees only the first, it may push, but neither pop nor swap.
        _into.VolatileWrite(isClosed ? s_claimed : _aside);
        _loaded.VolatileWrite(_aside);
        _aside = [];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool SeemsHere<TGuard>(TGuard guard, TItem[] into, int rounds, TItem item)
        where TGuard : struct, IItemGuard<TItem> =>
        guard.SeemsAmong(into, rounds, item) ||
            (_previousRounds.Read() is var previous and > 0 && guard.SeemsAmong(_previous.Read(), previous, item));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void BeginOperation()
    {
        Invariant.Assert(!_mark.IsBusy, "an owner is in one operation at a time");
        _mark.Begin();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void EndOperation()
    {
        Invariant.Assert(_mark.IsBusy, "an operation ends that has begun");
        _mark.End();
    }

    private void SetRounds(int rounds)
    {
        Invariant.Assert((uint)rounds <= MaxRounds, "rounds take eight bits");
        _state.Write((_state.Read() & -OneTaken) | (uint)rounds);
    }
}
