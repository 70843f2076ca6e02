using Vmem.Checks;
using Vmem.Timing;

namespace Vmem.Caching;

/// <summary>What has caches to keep in order.</summary>
internal interface IUpkeepTarget
{
    /// <summary>An interval has ended: what its working set did not need can go.</summary>
    void EndInterval();

    /// <summary>Memory is short: everything that is only kept for speed can go.</summary>
    void RelievePressure();
}

/// <summary>The two occasions on which caches give something back of their own accord: an interval has ended, or memory is short.</summary>
/// <remarks>
/// The target is referred to weakly: a timer does not keep an arena alive that nobody uses any more. Pressure is looked at after each
/// collection of generation 2, the runtime's own sign that memory matters, and on a thread of the pool, as what is then given back may run
/// code of others, which has no business on the finaliser's thread.
/// </remarks>
internal sealed class Upkeep : IDisposable
{
    /// <summary>illumos' interval for its caches (kmem_reap_interval).</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    private static readonly Gate s_gate = new();
    private static readonly List<WeakReference<IUpkeepTarget>> s_targets = [];
    private static int s_pruneAt = 64;            // arbitrary; doubles with what is found alive
    private static bool s_watching;

    private readonly WeakReference<IUpkeepTarget> _target;
    private ITimer? _timer;

    private Upkeep(IUpkeepTarget target) => _target = new WeakReference<IUpkeepTarget>(target);

    public static Upkeep Start(IUpkeepTarget target, TimeProvider time)
    {
        var upkeep = new Upkeep(target);
        upkeep._timer = DetachedTimer.Start(time, static state => ((Upkeep)state!).Tick(), upkeep, Interval, Interval);
        using (s_gate.EnterScope())
        {
            if (s_targets.Count >= s_pruneAt)
            {
                _ = s_targets.RemoveAll(static reference => !reference.TryGetTarget(out _));
                s_pruneAt = Math.Max(64, 2 * s_targets.Count);
            }

            s_targets.Add(upkeep._target);
            if (!s_watching)
            {
                s_watching = true;
                Gen2Watch.Start();
            }
        }

        return upkeep;
    }

    public void Dispose()
    {
        _timer?.Dispose();
        using (s_gate.EnterScope())
        {
            _ = s_targets.Remove(_target);
        }
    }

    /// <summary>Has every cache of the process give back what it can.</summary>
    public static void RelieveAll()
    {
        WeakReference<IUpkeepTarget>[] targets;
        using (s_gate.EnterScope())
        {
            targets = [.. s_targets];
        }

        foreach (WeakReference<IUpkeepTarget> reference in targets)
        {
            if (reference.TryGetTarget(out IUpkeepTarget? target))
            {
                target.RelievePressure();
            }
        }
    }

    private void Tick()
    {
        if (_target.TryGetTarget(out IUpkeepTarget? target))
        {
            target.EndInterval();
        }
        else
        {
            Dispose();
        }
    }

    /// <summary>Nobody refers to it: its finaliser runs after collections, looks whether one was of generation 2, and has itself
    /// finalised again.</summary>
    private sealed class Gen2Watch
    {
        private int _collections = GC.CollectionCount(2);

        public static void Start() => _ = new Gen2Watch();

        ~Gen2Watch()
        {
            if (Environment.HasShutdownStarted)
            {
                return;
            }

            int collections = GC.CollectionCount(2);
            if (collections != _collections)
            {
                _collections = collections;
                _ = ThreadPool.UnsafeQueueUserWorkItem(static _ => RelieveIfShort(), null);
            }

            GC.ReRegisterForFinalize(this);
        }

        private static void RelieveIfShort()
        {
            GCMemoryInfo memory = GC.GetGCMemoryInfo(GCKind.Any);
            if (memory.MemoryLoadBytes >= memory.HighMemoryLoadThresholdBytes)
            {
                RelieveAll();
            }
        }
    }
}
