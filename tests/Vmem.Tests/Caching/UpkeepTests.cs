using Vmem.Caching;
using Vmem.Checks;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>Alone: relief of the whole process would come to other tests' caches, too.</summary>
[CollectionDefinition(nameof(UpkeepTests), DisableParallelization = true)]
[Collection(nameof(UpkeepTests))]
public class UpkeepTests
{
    private sealed class Target : IUpkeepTarget
    {
        public bool HasMore { get; set; } = true;

        public int Intervals { get; private set; }

        public int Reliefs { get; private set; }

        public bool EndInterval()
        {
            Intervals++;
            return HasMore;
        }

        public void RelievePressure() => Reliefs++;
    }

    [Fact]
    public void Each_interval_and_each_relief_reaches_a_target_until_its_upkeep_ends()
    {
        ManualTime time = new();
        Target target = new();
        using (Upkeep.Start(target, time))
        {
            Upkeep.RelieveAll();
            time.Advance(3 * Upkeep.Interval);
        }

        Upkeep.RelieveAll();
        time.Advance(3 * Upkeep.Interval);
        Assert.Equal((3, 1), (target.Intervals, target.Reliefs));
    }

    [Fact]
    public void The_wheel_comes_round_once_an_interval_to_each_who_is_awake()
    {
        ManualTime time = new();
        UpkeepWheel wheel = new(time);
        Target[] targets = [.. Enumerable.Range(0, 40).Select(_ => new Target())];
        List<Upkeep> upkeeps = [];
        foreach (Target target in targets)
        {
            upkeeps.Add(Upkeep.Start(target, time, wheel, callsOthers: false));
            time.Advance(TimeSpan.FromSeconds(0.7));
        }

        int[] before = [.. targets.Select(target => target.Intervals)];
        time.Advance(2 * Upkeep.Interval);
        Assert.All(targets.Zip(before), pair => Assert.Equal(2, pair.First.Intervals - pair.Second));
        Array.ForEach(targets, target => target.HasMore = false);
        time.Advance(Upkeep.Interval);
        Assert.Equal((0, 0), (wheel.Count, time.Timers));
        upkeeps[7].Wake();
        upkeeps[7].Wake();
        upkeeps[8].Dispose();
        upkeeps[8].Wake();
        Assert.Equal((1, 1), (wheel.Count, time.Timers));
        time.Advance(2 * Upkeep.Interval);
        Assert.Equal([3, 4, 3], targets[6..9].Select((target, i) => target.Intervals - before[6 + i]));
        upkeeps.ForEach(upkeep => upkeep.Dispose());
    }

    /// <summary>Without memory for an interval's work, the next interval does it. Nobody catches what leaves the timer's thread.</summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task A_target_without_memory_ends_neither_its_upkeep_nor_others(bool callsOthers, bool hasOwnTimer)
    {
        ManualTime time = new();
        UpkeepWheel wheel = new(time);
        Poor poor = new();
        Target target = new();
        using Upkeep first = Upkeep.Start(poor, time, wheel, callsOthers, hasOwnTimer ? Upkeep.Interval / 2 : null);
        using Upkeep second = Upkeep.Start(target, time, wheel, callsOthers: false);
        await Eventually.HoldsAsync(() => poor.Intervals >= 3 && target.Intervals >= 3, () => time.Advance(Upkeep.Interval));
        using Upkeep shared = Upkeep.Start(poor, TimeProvider.System);
        Upkeep.RelieveAll();
        Assert.Equal(1, poor.Reliefs);
    }

    [Fact]
    public async Task A_turn_that_cannot_be_queued_is_left_out()
    {
        ManualTime time = new();
        UpkeepWheel wheel = new(time);
        Target target = new();
        using Upkeep upkeep = Upkeep.Start(target, time, wheel, callsOthers: true);
        using (GrowthFault.Inject(static () => true))
        {
            time.Advance(Upkeep.Interval);
        }

        time.Advance(Upkeep.Interval);
        await Eventually.HoldsAsync(() => target.Intervals == 1);
    }

    private sealed class Poor : IUpkeepTarget
    {
        private int _intervals;

        public int Intervals => Volatile.Read(ref _intervals);

        public int Reliefs { get; private set; }

        public bool EndInterval()
        {
            Interlocked.Increment(ref _intervals);
            throw new InsufficientMemoryException();
        }

        public void RelievePressure()
        {
            Reliefs++;
            throw new InsufficientMemoryException();
        }
    }

    /// <summary>Who is woken while the end of its interval finds nothing more to do goes on.</summary>
    [Fact]
    public void A_target_that_is_woken_at_its_turn_stays_awake()
    {
        ManualTime time = new();
        UpkeepWheel wheel = new(time);
        Waking target = new();
        using Upkeep upkeep = target.Upkeep = Upkeep.Start(target, time, wheel, callsOthers: false);
        time.Advance(Upkeep.Interval);
        Assert.Equal((1, 1), (target.Intervals, wheel.Count));
        time.Advance(Upkeep.Interval);
        Assert.Equal((2, 0), (target.Intervals, wheel.Count));
    }

    private sealed class Waking : IUpkeepTarget
    {
        public Upkeep? Upkeep { get; set; }

        public int Intervals { get; private set; }

        public bool EndInterval()
        {
            if (Intervals++ == 0)
            {
                Upkeep!.Wake();
            }

            return false;
        }

        public void RelievePressure()
        {
        }
    }

    /// <summary>A target with intervals of its own has its own timer, which stands still while it rests.</summary>
    [Fact]
    public void With_an_interval_of_its_own_a_target_rests_until_it_is_woken()
    {
        ManualTime time = new();
        TimeSpan interval = TimeSpan.FromSeconds(1);
        Target target = new();
        using Upkeep upkeep = Upkeep.Start(target, time, ownInterval: interval);
        time.Advance(3 * interval);
        Assert.Equal((3, 1), (target.Intervals, time.Timers));
        target.HasMore = false;
        time.Advance(3 * interval);
        Assert.Equal((4, 0), (target.Intervals, time.Timers));
        Upkeep.RelieveAll();
        Assert.Equal(0, target.Reliefs);
        target.HasMore = true;
        upkeep.Wake();
        upkeep.Wake();
        Upkeep.RelieveAll();
        time.Advance(2 * interval);
        Assert.Equal((6, 1, 1), (target.Intervals, target.Reliefs, time.Timers));
        upkeep.Dispose();
        upkeep.Wake();
        Assert.Equal(0, time.Timers);
    }

    [Fact]
    public void A_target_with_its_own_interval_that_is_woken_at_its_turn_stays_awake()
    {
        ManualTime time = new();
        TimeSpan interval = TimeSpan.FromSeconds(1);
        Waking target = new();
        using Upkeep upkeep = target.Upkeep = Upkeep.Start(target, time, ownInterval: interval);
        time.Advance(interval);
        Assert.Equal((1, 1), (target.Intervals, time.Timers));
        time.Advance(interval);
        Assert.Equal((2, 0), (target.Intervals, time.Timers));
    }

    /// <summary>The runtime calls a timer again while its last call is still at work; so does this clock, which the target moves.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Turns_do_not_overlap(bool hasOwnInterval)
    {
        ManualTime time = new();
        TimeSpan? own = hasOwnInterval ? TimeSpan.FromSeconds(1) : null;
        TimeSpan interval = own ?? Upkeep.Interval;
        Slow target = new(() => time.Advance(interval));
        using Upkeep upkeep = Upkeep.Start(target, time, ownInterval: own);
        time.Advance(interval);
        time.Advance(interval);
        Assert.Equal((2, 1), (target.Intervals, target.MostAtOnce));
    }

    private sealed class Slow(Action meanwhile) : IUpkeepTarget
    {
        private int _atOnce;

        public int Intervals { get; private set; }

        public int MostAtOnce { get; private set; }

        public bool EndInterval()
        {
            Intervals++;
            MostAtOnce = Math.Max(MostAtOnce, ++_atOnce);
            if (_atOnce < 3)
            {
                meanwhile();
            }

            _atOnce--;
            return true;
        }

        public void RelievePressure()
        {
        }
    }

    [Fact]
    public void A_target_that_nobody_refers_to_is_collected_and_its_timer_ends()
    {
        ManualTime time = new();
        WeakReference target = Begin(time);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.False(target.IsAlive);
        Assert.Equal(1, time.Timers);
        time.Advance(Upkeep.Interval);
        Assert.Equal(0, time.Timers);

        static WeakReference Begin(ManualTime time)
        {
            Target target = new();
            _ = Upkeep.Start(target, time);
            return new WeakReference(target);
        }
    }
}
