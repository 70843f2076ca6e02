using System.Diagnostics.Metrics;
using Vmem.Diagnostics;
using Vmem.Lifetimes;

namespace Vmem.Leasing.Metering;

/// <summary>The instruments of leasing, on a meter named <c>Vmem</c> as the arenas' are.</summary>
/// <remarks>Calls to a store are counted when they are answered: that costs nothing beside them. Levels are read when a collector
/// asks.</remarks>
internal static class LeaseMetrics
{
    private const string ArenaTag = "vmem.arena.name";
    private const string ArenaInstanceTag = "vmem.arena.instance";
    private const string OwnerTag = "vmem.lease.owner";
    private const string OwnerInstanceTag = "vmem.lease.owner.instance";

    private static readonly Meter s_meter = new("Vmem");

    private static readonly Counter<long> s_grants = s_meter.CreateCounter<long>("vmem.lease.grants", "{grant}", "Spans that a store granted.");
    private static readonly Counter<long> s_denied = s_meter.CreateCounter<long>("vmem.lease.denied", "{request}",
        "Requests for spans that a store answered with none.");

    private static readonly Counter<long> s_renewals = s_meter.CreateCounter<long>("vmem.lease.renewals", "{renewal}", "Renewals that a store answered.");
    private static readonly Counter<long> s_suspensions = s_meter.CreateCounter<long>("vmem.lease.suspensions", "{suspension}",
        "How often a session's deadline passed.");

    private static readonly Counter<long> s_losses = s_meter.CreateCounter<long>("vmem.lease.losses", "{loss}", "Sessions that were lost.");
    private static readonly Counter<long> s_reclaims = s_meter.CreateCounter<long>("vmem.lease.reclaims", "{sweep}",
        "Sweeps that freed what the dead or the quarantine had held.");

    private static readonly Histogram<double> s_grantDuration = Duration("vmem.lease.grant.duration", "How long requests for spans took.");
    private static readonly Histogram<double> s_renewalDuration = Duration("vmem.lease.renewal.duration", "How long renewals took.");

    static LeaseMetrics()
    {
        Unloading.Then(s_meter.Dispose);
        Sessions.ObserveFraction(s_meter, "vmem.lease.remaining", 0, "s", "How long sessions are valid if their store is not heard any more.");
        Arenas.Observe(s_meter, "vmem.lease.spans", (int)LeaseFigure.Spans, "{span}", "Leased spans that an arena has in use.");
        Arenas.Observe(s_meter, "vmem.lease.held", (int)LeaseFigure.Held, "{unit}", "What those spans are together.");
        Arenas.Observe(s_meter, "vmem.lease.stock", (int)LeaseFigure.Stock, "{span}", "Leased spans that lie ready.");
        Arenas.Observe(s_meter, "vmem.lease.quarantined", (int)LeaseFigure.Quarantined, "{unit}",
            "What of the arena was in quarantine when the store last had no room.");
    }

    public static MeteredRegistry Sessions { get; } = new(OwnerTag, OwnerInstanceTag, levels: 1);

    public static MeteredRegistry Arenas { get; } = new(ArenaTag, ArenaInstanceTag, levels: 4);

    public static void Renewed(TimeSpan duration)
    {
        s_renewals.Add(1);
        s_renewalDuration.Record(duration.TotalSeconds);
    }

    public static void Answered(string arena, LeaseVerdict verdict, TimeSpan duration)
    {
        if (s_grants.Enabled || s_denied.Enabled || s_grantDuration.Enabled)
        {
            KeyValuePair<string, object?> tag = new(ArenaTag, arena);
            (verdict == LeaseVerdict.Granted ? s_grants : s_denied).Add(1, tag);
            s_grantDuration.Record(duration.TotalSeconds, tag);
        }
    }

    public static void Suspended() => s_suspensions.Add(1);

    public static void Lost() => s_losses.Add(1);

    public static void Reclaimed(string arena) => s_reclaims.Add(1, new KeyValuePair<string, object?>(ArenaTag, arena));

    private static Histogram<double> Duration(string name, string description) => s_meter.CreateHistogram(
        name, "s", description, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.0001, 0.001, 0.01, 0.1, 1, 10] });
}

/// <summary>What is measured of a leased arena.</summary>
internal enum LeaseFigure
{
    Spans,
    Held,
    Stock,
    Quarantined,
}
