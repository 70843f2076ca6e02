using System.Diagnostics.CodeAnalysis;
using Vmem.Checks;
using Vmem.Lifetimes;
using Vmem.Timing;

namespace Vmem.Caching;

/// <summary>All upkeeps that are awake. One timer turns the wheel by a slot a second, and the interval of those in that slot has
/// ended.</summary>
/// <remarks>
/// <para>
/// A slot is a ring of upkeeps through their own links: one more or less costs a few steps, however many there are, and no memory. Those
/// that begin in the same second have the same slot. While nobody is awake the timer stands still.
/// </para>
/// <para>
/// Rejected: a timer for each target, and a list of all. A hundred thousand idle arenas took half a processor, and to dispose of them took
/// 49 seconds, each looking for itself in the list under a lock that all share.
/// </para>
/// </remarks>
internal sealed class UpkeepWheel
{
    private const int Slots = 15;                 // a second each, for an interval
    private const int Apart = Slots;              // those that have timers of their own

    private static readonly TimeSpan s_step = Upkeep.Interval / Slots;

    private readonly Gate _gate = new();
    private readonly Upkeep?[] _next = new Upkeep?[Slots + 1];  // by slot: whose turn it is next
    private readonly int[] _counts = new int[Slots + 1];
    private readonly ITimer _timer;
    private int _slot;                            // the last one whose turn it was
    private int _turning;                         // upkeeps in slots that turn
    private bool _isWatched;                      // by a Gen2Watch
    private bool _hasEnded;

    public UpkeepWheel(TimeProvider time)
    {
        Time = time;
        _timer = DetachedTimer.Start(time, static state =>
            ((UpkeepWheel)state!).Turn(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The wheel by the system's clock. By it memory is watched, too.</summary>
    public static UpkeepWheel Shared { get; } = CreateShared();

    public TimeProvider Time { get; }

    /// <summary>How many are awake.</summary>
    public int Count
    {
        get
        {
            using (_gate.EnterScope())
            {
                return _turning + _counts[Apart];
            }
        }
    }

    /// <summary>Wakes an upkeep, unless it has ended.</summary>
    /// <returns>Whether it was asleep.</returns>
    public bool Add(Upkeep upkeep, bool turns)
    {
        UpkeepPlace place = upkeep.Place;
        using (_gate.EnterScope())
        {
            place.IsWoken = true;
            if (place.Slot >= 0 || place.HasEnded || _hasEnded)
            {
                return false;
            }

            Link(upkeep, turns ? _slot : Apart);
            if (turns && _turning++ == 0)
            {
                Set(s_step);
            }

            if (this == Shared && !_isWatched)
            {
                Gen2Watch.Start();
                _isWatched = true;
            }

            return true;
        }
    }

    /// <summary>An upkeep that has its own timer begins a turn.</summary>
    public void BeginTurn(Upkeep upkeep)
    {
        using (_gate.EnterScope())
        {
            upkeep.Place.IsWoken = false;
        }
    }

    /// <summary>The target of an upkeep has nothing to do, unless it was woken since its turn.</summary>
    /// <returns>Whether it rests now.</returns>
    public bool TryRest(Upkeep upkeep)
    {
        using (_gate.EnterScope())
        {
            if (!upkeep.Place.IsWoken)
            {
                Unlink(upkeep);
            }

            return !upkeep.Place.IsWoken;
        }
    }

    public void Remove(Upkeep upkeep, bool forGood)
    {
        using (_gate.EnterScope())
        {
            upkeep.Place.HasEnded |= forGood;
            Unlink(upkeep);
        }
    }

    /// <summary>All that are awake.</summary>
    public List<Upkeep> Copy()
    {
        var all = new List<Upkeep>();
        using (_gate.EnterScope())
        {
            for (int slot = 0; slot <= Slots; slot++)
            {
                Upkeep? upkeep = _next[slot];
                for (int i = 0; i < _counts[slot]; i++)
                {
                    all.Add(upkeep!);
                    upkeep = upkeep!.Place.Next;
                }
            }
        }

        return all;
    }

    /// <summary>A second has passed.</summary>
    private void Turn()
    {
        int slot;
        int left;
        using (_gate.EnterScope())
        {
            _slot = slot = (_slot + 1) % Slots;
            left = _counts[slot];
        }

        for (; left > 0 && TryTakeNext(slot, out Upkeep? upkeep); left--)
        {
            upkeep.Turn();
        }
    }

    private bool TryTakeNext(int slot, [NotNullWhen(true)] out Upkeep? upkeep)
    {
        using (_gate.EnterScope())
        {
            upkeep = _next[slot];
            if (upkeep is null)
            {
                return false;
            }

            _next[slot] = upkeep.Place.Next;
            upkeep.Place.IsWoken = false;
            return true;
        }
    }

    /// <summary>Puts it at the end of the slot's ring.</summary>
    private void Link(Upkeep upkeep, int slot)
    {
        Upkeep first = _next[slot] ??= upkeep;
        Upkeep last = first == upkeep ? upkeep : first.Place.Previous!;
        (upkeep.Place.Previous, upkeep.Place.Next) = (last, first);
        last.Place.Next = first.Place.Previous = upkeep;
        upkeep.Place.Slot = slot;
        _counts[slot]++;
    }

    private void Unlink(Upkeep upkeep)
    {
        UpkeepPlace place = upkeep.Place;
        int slot = place.Slot;
        if (slot < 0)
        {
            return;
        }

        Invariant.Assert(place.Previous!.Place.Next == upkeep && place.Next!.Place.Previous == upkeep, "neighbours in a ring know each other");
        (place.Previous!.Place.Next, place.Next!.Place.Previous) = (place.Next, place.Previous);
        _next[slot] = --_counts[slot] == 0 ? null : _next[slot] == upkeep ? place.Next : _next[slot];
        (place.Previous, place.Next, place.Slot) = (null, null, -1);
        if (slot != Apart && --_turning == 0)
        {
            Set(Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Lets the timer go at this pace. The runtime's timers have a lock, and an interrupt must not end the wait for it.</summary>
    private void Set(TimeSpan step)
    {
        using var interrupts = new DeferredInterrupt();
        while (!_hasEnded && !interrupts.Try((_timer, step), static it => it._timer.Change(it.step, it.step) || true))
        {
        }
    }

    private bool TryEndWatch()
    {
        using (_gate.EnterScope())
        {
            _isWatched = !_hasEnded && _turning + _counts[Apart] > 0;
            return !_isWatched;
        }
    }

    private void End()
    {
        using (_gate.EnterScope())
        {
            _hasEnded = true;
        }

        _timer.Dispose();
    }

    private static UpkeepWheel CreateShared()
    {
        var wheel = new UpkeepWheel(TimeProvider.System);
        Unloading.Then(wheel.End);
        return wheel;
    }

    /// <summary>Nobody refers to it: its finaliser runs after collections, looks whether one was of generation 2, the runtime's own sign
    /// that memory matters, and has itself finalised again, as long as anything is awake. Relief is a matter for a thread of the pool, as
    /// what is then given back may run code of others.</summary>
    private sealed class Gen2Watch
    {
        private int _collections = GC.CollectionCount(2);

        public static void Start() => _ = new Gen2Watch();

        ~Gen2Watch()
        {
            if (Environment.HasShutdownStarted || Shared.TryEndWatch())
            {
                return;
            }

            int collections = GC.CollectionCount(2);
            if (collections != _collections)
            {
                _collections = collections;
                Unattended(static () => _ = ThreadPool.UnsafeQueueUserWorkItem(static _ => Unattended(RelieveIfShort), null));
            }

            GC.ReRegisterForFinalize(this);
        }

        private static void RelieveIfShort()
        {
            GCMemoryInfo memory = GC.GetGCMemoryInfo(GCKind.Any);
            if (memory.MemoryLoadBytes >= memory.HighMemoryLoadThresholdBytes)
            {
                Upkeep.RelieveAll();
            }
        }

        /// <summary>Without memory to do it, it is left for another collection.</summary>
        private static void Unattended(Action action)
        {
            try
            {
                action();
            }
            catch (OutOfMemoryException)
            {
            }
        }
    }
}
