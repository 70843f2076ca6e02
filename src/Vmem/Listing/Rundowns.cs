using System.Diagnostics.Tracing;
using System.Globalization;
using Vmem.Checks;
using Vmem.Diagnostics;

namespace Vmem.Listing;

/// <summary>What sessions of the event source ask for beyond events as they happen: rundowns, and that allocations are sampled.</summary>
internal sealed class Rundowns
{
    /// <summary>How many requests are remembered: that of a session comes again with every change of the sessions. Arbitrary.</summary>
    private const int Remembered = 64;

    /// <summary>How often the end of a rundown is said at most. Arbitrary: for two seconds.</summary>
    private const int MostEnds = 20;

    /// <summary>As often as the runtime sends events out.</summary>
    private static readonly TimeSpan s_betweenEnds = TimeSpan.FromMilliseconds(100);

    private readonly Gate _lock = new();
    private readonly Queue<string> _answered = new();
    private bool _wasWanted;

    /// <summary>Sessions have changed. While the source is being made, too: it is not there for others yet.</summary>
    public void Heed(VmemEvents log, EventCommandEventArgs command)
    {
        bool isWanted = log.Wants(VmemEvents.Keywords.Arenas | VmemEvents.Keywords.Segments);
        string? request = null;
        _ = command.Arguments?.TryGetValue("Request", out request);
        string? arena = null;
        _ = command.Arguments?.TryGetValue("Arena", out arena);
        string? instance = null;
        _ = command.Arguments?.TryGetValue("Instance", out instance);
        bool isDue;
        using (_lock.EnterScope())
        {
            isDue = isWanted && (request is null ? !_wasWanted : !_answered.Contains(request));
            _wasWanted = isWanted;
            if (isDue && request is not null)
            {
                _answered.Enqueue(request);
                if (_answered.Count > Remembered)
                {
                    _ = _answered.Dequeue();
                }
            }
        }

        // No program must end because somebody looks at it.
        try
        {
            ThreadPool.UnsafeQueueUserWorkItem(static _ => Unattended(AllocationSamples.Follow), null);
            if (isDue)
            {
                // A thread of its own: a pool that starves is just what somebody may want to look at.
                new Thread(() => Unattended(() => Run(request, arena, instance))) { IsBackground = true, Name = "Vmem rundown" }.Start();
            }
        }
        catch (OutOfMemoryException)
        {
        }
    }

    private static void Unattended(Action action)
    {
        try
        {
            action();
        }
        catch (Exception fault) when (fault is OutOfMemoryException or ObjectDisposedException)
        {
            // Who looked finds that the answer has no end.
        }
    }

    /// <summary>Writes what there is: all arenas; and of those that are named, the segments. Of all, if the session gave its request no
    /// name: what others want to know of segments is not this one's business.</summary>
    private static void Run(string? named, string? arena, string? instance)
    {
        VmemEvents log = VmemEvents.Log;
        string request = named ?? "";
        IReadOnlyList<ArenaView> arenas = ArenaList.Views;
        var views = arenas.ToDictionary(static view => view.Arena, ReferenceEqualityComparer.Instance);
        foreach (ArenaView view in arenas)
        {
            Describe(log, request, view, views);
        }

        foreach (ArenaView view in arenas)
        {
            bool isNamed = (arena is null || view.Name == arena)
                && (instance is null || view.Instance.ToString(CultureInfo.InvariantCulture) == instance);
            if (isNamed && (arena is not null || named is null) && log.Wants(VmemEvents.Keywords.Segments))
            {
                int batch = 0;
                foreach (byte[] segments in view.EncodeSegments())
                {
                    log.SegmentsDescribed(request, view.Name, view.Instance, batch++, segments);
                }
            }
        }

        // A reader outside hands an event on when it has seen a later one, and in an idle process none may come: so the end is said again
        // until the session has gone.
        for (int times = 0; times < MostEnds && log.Wants(VmemEvents.Keywords.Arenas | VmemEvents.Keywords.Segments); times++)
        {
            log.RundownEnded(request, arenas.Count);
            Thread.Sleep(s_betweenEnds);
        }
    }

    private static void Describe(VmemEvents log, string request, ArenaView view, Dictionary<object, ArenaView> views)
    {
        if (!view.TryGetStatistics(out ArenaStatistics<UInt128> figures))
        {
            return;
        }

        ArenaView? source = view.Source is null ? null : views.GetValueOrDefault(view.Source);
        _ = view.GetWaits(most: 0, out int waiting);
        log.ArenaDescribed(request, view.Name, view.Instance, view.ValueType.Name, view.Policy.ToString(),
            source?.Name ?? view.Source?.GetType().Name ?? "", source?.Instance ?? 0, (double)view.Quantum, (double)figures.TotalSize,
            (double)figures.InUse, (double)figures.Free, (double)figures.LargestFree, (double)figures.PeakInUse, figures.LiveSegments,
            figures.Failures, waiting);
    }
}
