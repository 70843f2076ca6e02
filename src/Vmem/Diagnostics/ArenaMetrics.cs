using System.Diagnostics.Metrics;
using Vmem.Diagnostics;
using Vmem.Lifetimes;

namespace Vmem;

/// <summary>The names of the arenas' metrics (<see cref="System.Diagnostics.Metrics"/>), and the instruments behind them.</summary>
/// <remarks>
/// <para>
/// An arena records nothing: it keeps its figures anyway, and a collector reads them when it wants to know. Each live arena is one
/// measurement of each instrument, tagged with its name (<see cref="ArenaNameTag"/>); of several arenas of one name, each but the first
/// bears a number, too (<see cref="ArenaInstanceTag"/>), so that none hides another.
/// </para>
/// <para>
/// Only waiting is recorded when it happens, as a level cannot tell how long each took: nothing is paid for it unless somebody listens, and
/// it is the path on which a thread sleeps.
/// </para>
/// <para>Rejected: counters that every operation adds to. With somebody listening, each allocation would pay for it many times its own
/// cost.</para>
/// </remarks>
public static class ArenaMetrics
{
    /// <summary>The meter's name: what <c>AddMeter</c> of OpenTelemetry or a <see cref="MeterListener"/> asks for.</summary>
    public const string MeterName = "Vmem";

    /// <summary>The tag on each measurement: the arena's name.</summary>
    public const string ArenaNameTag = "vmem.arena.name";

    /// <summary>The second tag of an arena whose name another one had first: "2", "3" and so on. The number is free again when that
    /// arena is gone.</summary>
    public const string ArenaInstanceTag = "vmem.arena.instance";

    /// <summary>The size of all spans together, in the arena's units. Values above <see cref="long.MaxValue"/> read as that.</summary>
    public const string Size = "vmem.arena.size";

    /// <summary>What callers hold, in the arena's units.</summary>
    public const string InUse = "vmem.arena.in_use";

    /// <summary>What caches hold ready for callers, in the arena's units.</summary>
    public const string Cached = "vmem.arena.cached";

    /// <summary>What was freed later and rests, in the arena's units.</summary>
    public const string Resting = "vmem.arena.resting";

    /// <summary>What nobody holds of spans that drain, in the arena's units.</summary>
    public const string Draining = "vmem.arena.draining";

    /// <summary>The part of the size that came from the arena's source.</summary>
    public const string Imported = "vmem.arena.imported";

    /// <summary>What nobody holds and a request can have, in the arena's units.</summary>
    public const string Free = "vmem.arena.free";

    /// <summary>The size of the largest free segment. Not of single-threaded arenas, in which only their own thread can look for
    /// it.</summary>
    public const string LargestFree = "vmem.arena.largest_free";

    /// <summary>External fragmentation, from 0 to 1 (<see cref="ArenaStatistics{T}.Fragmentation"/>). Not of single-threaded
    /// arenas.</summary>
    public const string Fragmentation = "vmem.arena.fragmentation";

    /// <summary>The most that was ever in use, in the arena's units.</summary>
    public const string Peak = "vmem.arena.peak";

    /// <summary>Allocated segments.</summary>
    public const string Segments = "vmem.arena.segments";

    /// <summary>Free segments.</summary>
    public const string FreeSegments = "vmem.arena.free_segments";

    /// <summary>Requests that wait for room now.</summary>
    public const string Waiting = "vmem.arena.waiting";

    /// <summary>Allocations that succeeded.</summary>
    public const string Allocations = "vmem.arena.allocations";

    /// <summary>Frees that succeeded.</summary>
    public const string Frees = "vmem.arena.frees";

    /// <summary>Allocations that found no room.</summary>
    public const string Failures = "vmem.arena.failures";

    /// <summary>Allocations that had to wait for room.</summary>
    public const string Waits = "vmem.arena.waits";

    /// <summary>How long they waited, in seconds.</summary>
    public const string WaitDuration = "vmem.arena.wait.duration";

    private static readonly Meter s_meter = new(MeterName);    // object caches and buddy allocators have theirs of the same name

    private static readonly Histogram<double> s_waitDuration = s_meter.CreateHistogram(
        WaitDuration,
        "s",
        "How long allocations that had to wait for room waited.",
        tags: null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.00001, 0.0001, 0.001, 0.01, 0.1, 1, 10] });

    static ArenaMetrics()
    {
        Unloading.Then(s_meter.Dispose);
        Observe(Size, ArenaFigure.Size, "{unit}", "The size of all spans together.");
        Observe(InUse, ArenaFigure.InUse, "{unit}", "What callers hold.");
        Observe(Cached, ArenaFigure.Cached, "{unit}", "What caches hold ready for callers.");
        Observe(Resting, ArenaFigure.Resting, "{unit}", "What was freed later and rests.");
        Observe(Draining, ArenaFigure.Draining, "{unit}", "What nobody holds of spans that drain.");
        Observe(Imported, ArenaFigure.Imported, "{unit}", "The part of the size that came from the arena's source.");
        Observe(Free, ArenaFigure.Free, "{unit}", "What nobody holds and a request can have.");
        ObserveMost(LargestFree, ArenaFigure.LargestFree, "The size of the largest free segment.");
        Arenas.ObserveShare(s_meter, Fragmentation, (int)ArenaFigure.Fragmentation, "1 - largest free / free.");
        ObserveMost(Peak, ArenaFigure.Peak, "The most that was ever in use.");
        Observe(Segments, ArenaFigure.Segments, "{segment}", "Allocated segments.");
        Observe(FreeSegments, ArenaFigure.FreeSegments, "{segment}", "Free segments.");
        Observe(Waiting, ArenaFigure.Waiting, "{wait}", "Requests that wait for room now.");
        Observe(Allocations, ArenaFigure.Allocations, "{allocation}", "Allocations that succeeded.");
        Observe(Frees, ArenaFigure.Frees, "{free}", "Frees that succeeded.");
        Observe(Failures, ArenaFigure.Failures, "{failure}", "Allocations that found no room.");
        Observe(Waits, ArenaFigure.Waits, "{wait}", "Allocations that had to wait for room.");
    }

    /// <summary>The arenas that are measured.</summary>
    internal static MeteredRegistry Arenas { get; } = new(ArenaNameTag, ArenaInstanceTag, levels: (int)ArenaFigure.Allocations);

    /// <summary>Notes that an allocation has waited. The tag is built only if somebody listens, and on the stack.</summary>
    internal static void RecordWait(string arenaName, TimeSpan duration)
    {
        if (s_waitDuration.Enabled)
        {
            s_waitDuration.Record(duration.TotalSeconds, new KeyValuePair<string, object?>(ArenaNameTag, arenaName));
        }
    }

    private static void Observe(string name, ArenaFigure figure, string unit, string description) =>
        Arenas.Observe(s_meter, name, (int)figure, unit, description);

    private static void ObserveMost(string name, ArenaFigure figure, string description) =>
        Arenas.ObserveMost(s_meter, name, (int)figure, "{unit}", description);
}
