using System.Diagnostics;
using System.Net;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Workloads;
using Vmem.Net;

namespace Vmem.Benchmarks.Studies;

/// <summary>What the language of networks costs: a pool of prefixes beside the arena that it is made of.</summary>
internal sealed class PrefixesStudy : IStudy
{
    private const int Batch = 100;
    private const int Batches = 2_000;
    private const int Lengths = 6;

    public string Name => "prefixes";

    public string Description => "PrefixPool beside the same arena without it: prefixes of six lengths, replaced at random.";

    public StudyReport Run(StudyContext context)
    {
        var report = new StudyReport(
            Name,
            "Prefixes",
            "N live prefixes of six lengths (/27 to /32, /59 to /64) in a network four times as large as they need. Then 2,000 times 100 of them are freed and as many allocated, each half timed apart. Beside it Arena<UInt128> with the same policy, constraints and tags. Both take turns.");
        int runs = context.Settings.Runs ?? 5;
        var rows = new List<IReadOnlyList<string>>();
        foreach (int live in context.Settings.Sizes(1_000, 100_000))
        {
            Measure(context, report, rows, "10.0.0.0/8", 32, live, runs);
            Measure(context, report, rows, "2001:db8::/32", 64, live, runs);
        }

        report.Add(new ReportTable(
            $"ns, median of {runs}", ["network", "live", "pool: allocate", "free", "arena: allocate", "free", "allocate, pool : arena"], rows));
        return report;
    }

    private static void Measure(
        StudyContext context, StudyReport report, List<IReadOnlyList<string>> rows, string network, int longest, int live, int runs)
    {
        using var arena = new ArenaPrefixes(network, longest);
        using var pool = new PoolPrefixes(network, longest);
        (double Allocate, double Free)[][] turns = Rounds.InTurns((Prefixes[])[arena, pool], runs, one => one.Run(live));
        double[] allocate = Rounds.Medians(turns, turn => turn.Allocate);
        double[] free = Rounds.Medians(turns, turn => turn.Free);
        rows.Add([
            network, Cells.Power(live), Cells.Nanoseconds(allocate[1]), Cells.Nanoseconds(free[1]), Cells.Nanoseconds(allocate[0]),
            Cells.Nanoseconds(free[0]), Cells.Fixed(allocate[1] / allocate[0], 2),
        ]);
        report.Record(network, live, "allocate", allocate[1], "ns");
        report.Add(new Bar($"PrefixPool.Allocate against the arena below, {network}, {Cells.Power(live)} live", "1.2×", 1.2,
            allocate[1] / allocate[0], "×"));
        context.Progress($"{network} N={Cells.Power(live)}: pool {Cells.Nanoseconds(allocate[1])} + {Cells.Nanoseconds(free[1])}, "
            + $"arena {Cells.Nanoseconds(allocate[0])} + {Cells.Nanoseconds(free[0])} ns");
    }

    private abstract class Prefixes : IDisposable
    {
        private readonly int[] _places = new int[Batch];
        private readonly int[] _lengths = new int[Batch];
        private int _live;

        public (double Allocate, double Free) Run(int live)
        {
            var random = new Xorshift64(Xorshift64.DefaultSeed);
            Prepare(live);
            for (; _live < live; _live++)
            {
                AllocateAt(_live, (int)(random.Next() % Lengths));
            }

            long allocating = 0;
            long freeing = 0;
            for (int batch = 0; batch < Batches; batch++)
            {
                // A place for each of the batch, no two the same.
                int first = (int)(random.Next() % (ulong)(live / Batch)) * Batch;
                for (int i = 0; i < Batch; i++)
                {
                    _places[i] = (int)((ulong)(first + i) * 7919 % (ulong)live);
                    _lengths[i] = (int)(random.Next() % Lengths);
                }

                long begin = Stopwatch.GetTimestamp();
                Free(_places);
                long middle = Stopwatch.GetTimestamp();
                Allocate(_places, _lengths);
                allocating += Stopwatch.GetTimestamp() - middle;
                freeing += middle - begin;
            }

            return (Clock.Nanoseconds(allocating) / (Batch * Batches), Clock.Nanoseconds(freeing) / (Batch * Batches));
        }

        public abstract void Dispose();

        protected abstract void Prepare(int live);

        protected abstract void AllocateAt(int place, int shorter);

        protected abstract void Allocate(int[] places, int[] shorter);

        protected abstract void Free(int[] places);
    }

    private sealed class PoolPrefixes(string network, int longest) : Prefixes
    {
        private readonly PrefixPool _pool = new("bench", Prefix.Parse(network), new() { LongestV6 = 64 });
        private IPNetwork[] _prefixes = [];

        public override void Dispose() => _pool.Dispose();

        protected override void Prepare(int live) => _prefixes = _prefixes.Length == live ? _prefixes : new IPNetwork[live];

        protected override void AllocateAt(int place, int shorter) => _prefixes[place] = _pool.Allocate(longest - shorter, tag: 1);

        protected override void Allocate(int[] places, int[] shorter)
        {
            for (int i = 0; i < places.Length; i++)
            {
                _prefixes[places[i]] = _pool.Allocate(longest - shorter[i], tag: 1);
            }
        }

        protected override void Free(int[] places)
        {
            foreach (int place in places)
            {
                _pool.Free(_prefixes[place]);
            }
        }
    }

    private sealed class ArenaPrefixes : Prefixes
    {
        private readonly Arena<UInt128> _arena;
        private readonly UInt128 _unit;
        private (UInt128 Start, UInt128 Size)[] _ranges = [];

        public ArenaPrefixes(string network, int longest)
        {
            IPNetwork whole = Prefix.Parse(network);
            byte[] bytes = whole.BaseAddress.GetAddressBytes();
            int bits = bytes.Length * 8;
            UInt128 start = bytes.Aggregate(UInt128.Zero, (sum, value) => sum << 8 | value);
            _unit = UInt128.One << (bits - longest);
            _arena = new Arena<UInt128>("bench", start, UInt128.One << (bits - whole.PrefixLength), _unit, new ArenaOptions<UInt128>
            {
                Policy = FitPolicy.FirstFit,
                Tagged = true,
            });
        }

        public override void Dispose() => _arena.Dispose();

        protected override void Prepare(int live) => _ranges = _ranges.Length == live ? _ranges : new (UInt128, UInt128)[live];

        protected override void AllocateAt(int place, int shorter)
        {
            UInt128 size = _unit << shorter;
            _ranges[place] = (_arena.AllocateConstrained(size, new() { Align = size, Tag = 1 }), size);
        }

        protected override void Allocate(int[] places, int[] shorter)
        {
            for (int i = 0; i < places.Length; i++)
            {
                AllocateAt(places[i], shorter[i]);
            }
        }

        protected override void Free(int[] places)
        {
            foreach (int place in places)
            {
                _arena.Free(_ranges[place].Start, _ranges[place].Size);
            }
        }
    }
}
