using Vmem.Caching;
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
        public int Intervals { get; private set; }

        public int Reliefs { get; private set; }

        public void EndInterval() => Intervals++;

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
