using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vmem.Benchmarks.Baselines;

/// <summary>
/// The paper's own arrangement: a pair of magazines for each <em>processor</em>, not for each thread (Bonwick and Adams, "Magazines and
/// Vmem", section 3). A kernel can stay on its processor for some instructions; a program can lose it at any of them, so each pair has a
/// lock of its own, taken with a compare-and-swap.
/// </summary>
/// <remarks>
/// Not a straw man: magazines are the same arrays as Vmem's, and the depot two stacks of them behind a lock, as there; this lock is hardly
/// ever contended, stands on the line that the operation needs anyway, and is given back with a plain store. A thread that finds it taken
/// asks again which processor it is on.
/// </remarks>
internal sealed class ProcessorMagazines<TItem>
{
    private readonly Station[] _stations;
    private readonly Stack<TItem[]> _full = new();
    private readonly Stack<TItem[]> _empty = new();
    private readonly Lock _gate = new();              // of the depot: the two stacks
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

    /// <summary>Two cache lines on either side of what a processor writes, as Vmem has them.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 128)]
    private readonly struct Padding;

    private abstract class PaddedBefore
    {
#pragma warning disable CS0169, CA1823, IDE0051 // it is there to take up room
        private readonly Padding _before;
#pragma warning restore CS0169, CA1823, IDE0051
    }

    private sealed class Station : PaddedBefore
    {
        public int Taken;
        public int Rounds;
        public TItem[] Loaded = [];
        public TItem[] Previous = [];
        public int PreviousRounds;                    // 0 or all
#pragma warning disable CS0169, CA1823, IDE0051 // it is there to take up room
        private readonly Padding _behind;
#pragma warning restore CS0169, CA1823, IDE0051
    }

    /// <summary>Items in the magazines of processors; nobody else may be at work.</summary>
    public long HeldByProcessors => _stations.Sum(station => station.Rounds + station.PreviousRounds);

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
        TItem[]? next = mine.Previous;
        if (mine.PreviousRounds == 0)
        {
            lock (_gate)
            {
                if (!_full.TryPop(out next))
                {
                    Volatile.Write(ref mine.Taken, 0);
                    item = default!;
                    return false;
                }

                if (mine.Previous.Length > 0)
                {
                    _empty.Push(mine.Previous);
                }
            }
        }

        (mine.Previous, mine.PreviousRounds) = (mine.Loaded, 0);
        mine.Loaded = next;
        mine.Rounds = next.Length - 1;
        item = next[^1];
        next[^1] = default!;
        Volatile.Write(ref mine.Taken, 0);
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ReturnSlowly(Station mine, TItem item)
    {
        TItem[]? next = mine.Previous;
        if (next.Length == 0 || mine.PreviousRounds > 0)
        {
            lock (_gate)
            {
                if (mine.PreviousRounds > 0)
                {
                    _full.Push(next);
                }

                _ = _empty.TryPop(out next);
            }

            next ??= new TItem[_rounds];
        }

        (mine.Previous, mine.PreviousRounds) = (mine.Loaded, mine.Rounds);
        mine.Loaded = next;
        next[0] = item;
        mine.Rounds = 1;
        Volatile.Write(ref mine.Taken, 0);
    }
}
