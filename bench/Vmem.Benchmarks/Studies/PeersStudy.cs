using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Peers;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Subjects;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>
/// Native range allocators in this process, in alternation with the arena: the same loops, seeds and sizes. Every bar is a ratio of two
/// medians of this run. A figure from another machine, or another hour, holds for nothing.
/// </summary>
internal sealed class PeersStudy : IStudy
{
    private const string Offset = "OffsetAllocator";
    private const string Umem = "libumem";
    private const int HardSegments = 100_000;
    private const int QueueLength = 10_000;
    private const int CallsTimed = 1_000_000;
    private const double ProvenNoAfterEffect = 1.05;

    private static readonly Subject s_handle = new(FitPolicy.InstantFit, FreeBy.Handle);
    private static readonly Subject s_address = new(FitPolicy.InstantFit, FreeBy.Address, Locking.Locked);
    private static readonly Subject s_lockedHandle = new(FitPolicy.InstantFit, FreeBy.Handle, Locking.Locked);
    private static readonly Subject s_best = new(FitPolicy.BestFit, FreeBy.Address, Locking.Locked);

    public string Name => "peers";

    public string Description => "Native range allocators in process, in alternation with ours; every bar a ratio of this run.";

    public StudyReport Run(StudyContext context)
    {
        RangePeer[] peers = [.. context.Settings.Peers.Select(RangePeer.Load)];
        var report = new StudyReport(
            Name,
            "Beside native range allocators (`study peers`)",
            "The loops, seeds and sizes of the other studies, with native peers in the same process; all subjects take turns. Each figure is the median of the turns, each bar a ratio of two medians. Nothing is subtracted for the call into a peer.");
        foreach (RangePeer peer in peers)
        {
            report.Note(string.Create(
                CultureInfo.InvariantCulture,
                $"{peer.Name}: {peer.Version}, freed by {(peer.IsByAddress ? "start and size" : "ticket")}; a call that does nothing takes {CallCost(peer):0.0} ns, and a pair is two calls."));
        }

        PeerSubject[] instant = [.. peers.Select(peer => new PeerSubject(peer))];
        PeerSubject[] best = [.. instant.Where(one => one.Peer.Knows(PeerPolicy.Best))
            .Select(one => one with { Policy = PeerPolicy.Best })];
        var comparison = new PeerComparison(context, report);
        MeasureCosts(context, comparison, instant, best);
        MeasureConstrained(context, comparison, instant);
        MeasureThreads(context, report, comparison, instant);
        MeasureSpace(context, report, comparison, instant, best);
        return report;
    }

    private static void MeasureCosts(StudyContext context, PeerComparison comparison, PeerSubject[] instant, PeerSubject[] best)
    {
        ISubject[] all = [s_handle, s_address, .. instant];
        comparison.Measure(
            "hot pair, U64", "ns", all, one => new(one.Run(new PairExperiment<UniformTo64>(1))), more: false,
                new PeerBar(s_handle, 2), new PeerBar(s_address, 2.6));
        foreach (int segments in context.Settings.Sizes(1_000, 1_000_000))
        {
            // By thousands, ten thousands, and so on: the bars of handles and of addresses.
            (double handle, double address) = segments switch
            {
                1_000 => (1.05, 0.8),
                10_000 => (1.05, 0.6),
                100_000 => (1.1, 0.3),
                _ => (1.1, 0.4),
            };
            PeerBar[] bars = [new(s_handle, handle, Offset), new(s_address, address, Umem)];
            comparison.Measure(
                $"mix at {Cells.Power(segments)}", "ns", all, one => Mix(one, segments, 65), more: false,
                segments <= 10_000 ? [.. bars, new(s_address, 1.3, Offset)] : bars);
            if (best.Length > 0)
            {
                comparison.Measure(
                    $"best fit, mix at {Cells.Power(segments)}", "ns", [s_best, .. best], one => Mix(one, segments, 65), more: false,
                    new PeerBar(s_best, 1, Umem));
            }
        }

        int hard = Math.Min(HardSegments, context.Settings.MaxSegments);
        comparison.Measure($"90 % full, mix at {Cells.Power(hard)}", "ns", all, one => Mix(one, hard, 36), more: false,
            new PeerBar(s_handle, 1.2, Offset));
        comparison.Measure(
            "first in first out, 10^4", "ns", all, one => new(one.Run(new QueueExperiment<UniformTo64>(QueueLength, 65, 1))), more: false,
                new PeerBar(s_handle, 1.3, Offset));
    }

    private static PeerFigure Mix(ISubject subject, int segments, ulong capacityPerSegment)
    {
        SteadyStateTimes times = subject.Run(new SteadyStateExperiment<UniformTo64>(new SteadyStatePlan(segments, capacityPerSegment), 1));
        return new(times.Mix, times.Failures);
    }

    private static void MeasureConstrained(StudyContext context, PeerComparison comparison, PeerSubject[] instant)
    {
        ISubject[] all = [s_address, .. instant.Where(one => one.Peer.IsConstrained)];
        var plan = new SteadyStatePlan(Math.Min(HardSegments, context.Settings.MaxSegments), 65);
        (string What, Func<ConstrainedTimes, double> Metric, double? Limit)[] rows =
            [("align 64", times => times.Align, null), ("window", times => times.Window, 1.5), ("align and window", times => times.Both, 1.5)];
        foreach ((string what, Func<ConstrainedTimes, double> metric, double? limit) in rows)
        {
            comparison.Measure(
                $"{what}, {Cells.Power(plan.Segments)}", "ns to allocate", all, Turn, more: false,
                limit is { } bar && all.Length > 1 ? [new(s_address, bar, Umem)] : []);

            PeerFigure Turn(ISubject subject)
            {
                ConstrainedTimes times = subject.Run(new ConstrainedExperiment<UniformTo64>(plan, 1));
                return new(metric(times), times.Failures);
            }
        }

        double[] after = comparison.Measure("mix after 200 windows, by that before", "×", all,
            one => new(one.Run(new AfterWindowsExperiment(plan))), more: false);
        comparison.Promise("mix after 200 windows, by that before", "1.05×", ProvenNoAfterEffect, after[0], "×");
    }

    private static void MeasureThreads(StudyContext context, StudyReport report, PeerComparison comparison, PeerSubject[] instant)
    {
        if (Environment.ProcessorCount < 2)
        {
            report.Note("This machine has one processor: two threads were not measured.");
            return;
        }

        ISubject[] all = [s_lockedHandle, s_address, .. instant.Select(one => one with { InLock = true })];
        double[] one = Rates(1);
        double[] two = Rates(2, new PeerBar(s_lockedHandle, 0.8, Offset));
        for (int i = 0; i < 2; i++)
        {
            comparison.Promise($"two threads against one, {all[i].Key}", "0.95×", 0.95, two[i] / one[i], "×", atLeast: true);
        }

        double[] Rates(int threads, params PeerBar[] bars) => comparison.Measure(
            $"one arena, {threads} thread{(threads > 1 ? "s" : "")}, 10^4", "M replacements/s", all,
            subject => new(subject.Run(new ThreadsExperiment<UniformTo64>(QueueLength, threads, 1, context.Settings.Seconds))),
            more: true,
            bars);
    }

    private static void MeasureSpace(
        StudyContext context, StudyReport report, PeerComparison comparison, PeerSubject[] instant, PeerSubject[] best)
    {
        int segments = Math.Min(1_000_000, context.Settings.MaxSegments);
        double[] bytes = comparison.Measure(
            $"resident bytes a live segment, churned, {Cells.Power(segments)}", "bytes", [s_handle, s_address, .. instant], Resident, more: false);
        if (segments == 1_000_000)
        {
            comparison.Promise($"resident bytes a live segment, {s_handle.Key}", "24.7", 24.7, bytes[0], "bytes");
            comparison.Promise($"resident bytes a live segment, {s_address.Key}", "32.7", 32.7, bytes[1], "bytes");
        }

        ISubject[] all = [s_address, s_best, .. instant, .. best];
        double[] uniform = Ramp<UniformTo64>();
        double[] power = Ramp<PowerLaw>();
        comparison.Promise("first failure in the ramp, U64", "98.99 %", 98.99, Math.Round(uniform[0], 2), "%", atLeast: true);
        comparison.Promise("first failure in the ramp, P", "88.7 %", 88.7, Math.Round(power[0], 1), "%", atLeast: true);

        PeerFigure Resident(ISubject subject)
            => new(BookkeepingStudy.Probe(subject is PeerSubject peer
                ? BookkeepingProbe.PeerPrefix + peer.Peer.Path : subject.Key, segments).ResidentChurned);

        // Each turn a seed of its own, the same for all: turns come subject by subject.
        double[] Ramp<TLaw>()
            where TLaw : struct, ISizeLaw
        {
            var turns = new Dictionary<ISubject, ulong>();
            return comparison.Measure($"first failure in the ramp, {TLaw.Name}", "% of the capacity", all, subject =>
            {
                ulong turn = turns[subject] = turns.GetValueOrDefault(subject) + 1;
                return new(100 * subject.Run(new RampExperiment<TLaw>(Xorshift64.DefaultSeed + turn - 1,
                    context.Settings.RampSteps)).Requested);
            }, more: true);
        }
    }

    private static double CallCost(RangePeer peer)
    {
        // Three times with a pause: until the loop is compiled for good.
        for (int i = 0; i < 3 * CallsTimed / 1_000; i++)
        {
            CallChunk(peer);
            if (i % (CallsTimed / 1_000) == 0)
            {
                Rounds.LetCompile();
            }
        }
        double[] rounds = new double[9];
        for (int i = 0; i < rounds.Length; i++)
        {
            long begin = Stopwatch.GetTimestamp();
            for (int done = 0; done < CallsTimed; done += 1_000)
            {
                CallChunk(peer);
            }
            rounds[i] = Clock.NanosecondsSince(begin) / CallsTimed;
        }
        return Rounds.Median(rounds);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static unsafe void CallChunk(RangePeer peer)
    {
        delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, void> nothing = peer.Nothing;
        for (int i = 0; i < 1_000; i++)
        {
            nothing(null);
        }
    }
}
