using System.Runtime.CompilerServices;
using Vmem.Caching;

namespace Vmem.Benchmarks.Baselines;

/// <summary>
/// The paper's own arrangement: a pair of magazines for each <em>processor</em>, not for each thread (Bonwick and Adams, "Magazines and
/// Vmem", section 3). A kernel can stay on its processor for some instructions; a program can lose it at any of them, so each pair has a
/// lock of its own, taken with a compare-and-swap.
/// </summary>
/// <remarks>
/// Not a straw man: the same magazines and the same depot as Vmem's; the lock is hardly ever contended, stands on the line that the
/// operation needs anyway, and is given back with a plain store. A thread that finds it taken asks again which processor it is on.
/// </remarks>
internal sealed class ProcessorMagazines<TItem>
{
    private readonly Station[] _stations;
    private readonly Depot<TItem> _depot = new();
    private readonly Lock _gate = new();
    private readonly int _rounds;

    /// <summary>Makes an empty cache.</summary>
    /// <param name="rounds">The size of magazines; they do not grow.</param>
    public ProcessorMagazines(int rounds)
    {
        _rounds = rounds;
        _stations = new Station[Environment.ProcessorCount];
        for (int i = 0; i < _stations.Length; i++)
        {
            _stations[i] = new Station();
        }
    }

    private sealed class Station : PaddedBefore
    {
        public int Taken;
        public int Rounds;
        public TItem[] Loaded = [];
        private TItem[] _previous = [];
        private int _previousRounds;
#pragma warning disable CS0169, CA1823, IDE0051 // it is there to take up room
        private readonly Padding _behind;
#pragma warning restore CS0169, CA1823, IDE0051

        public Magazine<TItem> Previous
        {
            get => new(_previous, _previousRounds);
            set => (_previous, _previousRounds) = (value.Items, value.Rounds);
        }
    }

    /// <summary>Items in the magazines of processors; nobody else may be at work.</summary>
    public long HeldByProcessors => _stations.Sum(station => station.Rounds + station.Previous.Rounds);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake(out TItem item)
    {
        Station mine = Enter();
        uint top = (uint)mine.Rounds - 1;
        TItem[] loaded = mine.Loaded;
        if (top < (uint)loaded.Length)
        {
            item = loaded[top];
            loaded[top] = default!;
            mine.Rounds = (int)top;
            Volatile.Write(ref mine.Taken, 0);
            return true;
        }

        return TryTakeSlowly(mine, out item);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Return(TItem item)
    {
        Station mine = Enter();
        uint rounds = (uint)mine.Rounds;
        TItem[] loaded = mine.Loaded;
        if (rounds < (uint)loaded.Length)
        {
            loaded[rounds] = item;
            mine.Rounds = (int)rounds + 1;
            Volatile.Write(ref mine.Taken, 0);
        }
        else
        {
            ReturnSlowly(mine, item);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Station Enter()
    {
        Station[] stations = _stations;
        uint processor = (uint)Thread.GetCurrentProcessorId();
        Station mine = stations[processor < (uint)stations.Length ? processor : processor % (uint)stations.Length];
        return Interlocked.CompareExchange(ref mine.Taken, 1, 0) == 0 ? mine : EnterSlowly();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Station EnterSlowly()
    {
        var spinner = new SpinWait();
        while (true)
        {
            spinner.SpinOnce();
            Station mine = _stations[(uint)Thread.GetCurrentProcessorId() % (uint)_stations.Length];
            if (Interlocked.CompareExchange(ref mine.Taken, 1, 0) == 0)
            {
                return mine;
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryTakeSlowly(Station mine, out TItem item)
    {
        var loaded = new Magazine<TItem>(mine.Loaded, mine.Rounds);
        Magazine<TItem> next = mine.Previous;
        if (next.Rounds == 0)
        {
            lock (_gate)
            {
                if (!_depot.TryTakeFull(out next))
                {
                    Volatile.Write(ref mine.Taken, 0);
                    item = default!;
                    return false;
                }

                _depot.PutEmpty(mine.Previous, _rounds);
            }
        }

        mine.Previous = loaded;
        mine.Loaded = next.Items;
        mine.Rounds = next.Rounds - 1;
        item = next.Items[next.Rounds - 1];
        next.Items[next.Rounds - 1] = default!;
        Volatile.Write(ref mine.Taken, 0);
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ReturnSlowly(Station mine, TItem item)
    {
        var loaded = new Magazine<TItem>(mine.Loaded, mine.Rounds);
        Magazine<TItem> next = mine.Previous;
        if (next.Items.Length == 0 || next.Rounds > 0)
        {
            lock (_gate)
            {
                if (next.Rounds > 0)
                {
                    _depot.PutFull(next);
                }

                _ = _depot.TryTakeEmpty(_rounds, out next);
            }

            next = next.Items.Length == 0 ? new Magazine<TItem>(new TItem[_rounds], 0) : next;
        }

        mine.Previous = loaded;
        mine.Loaded = next.Items;
        next.Items[0] = item;
        mine.Rounds = 1;
        Volatile.Write(ref mine.Taken, 0);
    }
}
