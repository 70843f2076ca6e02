using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Vmem.Diagnostics;
using Vmem.Testing.Internals;
using Xunit;

namespace Vmem.Tests.Diagnostics;

/// <summary>What a listener sees of live arenas, and what it costs. Other tests' arenas are seen too: each test looks for its own
/// names.</summary>
[Collection(nameof(MetricsTests))]
[CollectionDefinition(nameof(MetricsTests), DisableParallelization = true)]
public class MetricsTests
{
    private const int Rounds = 200;

    private static readonly (string Name, string Unit)[] s_instruments =
    [
        (ArenaMetrics.Size, "{unit}"), (ArenaMetrics.InUse, "{unit}"), (ArenaMetrics.Cached, "{unit}"), (ArenaMetrics.Resting, "{unit}"),
        (ArenaMetrics.Draining, "{unit}"), (ArenaMetrics.Imported, "{unit}"), (ArenaMetrics.Free, "{unit}"), (ArenaMetrics.LargestFree, "{unit}"),
        (ArenaMetrics.Fragmentation, "1"), (ArenaMetrics.Peak, "{unit}"), (ArenaMetrics.Segments, "{segment}"),
        (ArenaMetrics.FreeSegments, "{segment}"), (ArenaMetrics.Waiting, "{wait}"),
        (ArenaMetrics.Allocations, "{allocation}"), (ArenaMetrics.Frees, "{free}"), (ArenaMetrics.Failures, "{failure}"), (ArenaMetrics.Waits, "{wait}"),
        (ArenaMetrics.WaitDuration, "s"),
    ];

    [Fact]
    public void Each_instrument_has_its_name_and_unit()
    {
        using Arena<uint> arena = new("units", 1);
        Dictionary<string, string?> seen = [];
        using MeterListener listener = new() { InstrumentPublished = (instrument, _) => AddIfOurs(instrument, seen) };
        listener.Start();
        Assert.Equal(s_instruments.ToDictionary(each => each.Name, each => (string?)each.Unit), seen);
    }

    /// <summary>The sum of the largest pieces, or of the peaks, is nothing that anybody has or ever had.</summary>
    [Fact]
    public void What_has_no_sum_is_a_gauge()
    {
        using Arena<uint> arena = new("kinds", 1);
        BuddyAllocator<uint> buddies = new(0, 64, 1, 64);
        Dictionary<string, bool> gauges = [];
        using MeterListener listener = new()
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name == ArenaMetrics.MeterName && instrument.Name.Split('.')[1] is "arena" or "buddy")
                {
                    gauges[instrument.Name] = instrument is ObservableGauge<long> or ObservableGauge<double>;
                }
            },
        };
        listener.Start();
        Assert.Equal(
            [
                ArenaMetrics.Fragmentation, ArenaMetrics.LargestFree, ArenaMetrics.Peak,
                BuddyMetrics.Fragmentation, BuddyMetrics.LargestFree, BuddyMetrics.Peak,
            ],
            gauges.Where(static each => each.Value).Select(static each => each.Key).Order(StringComparer.Ordinal));
        Assert.Contains(BuddyMetrics.Free, gauges);
        GC.KeepAlive(buddies);
    }

    [Fact]
    public void A_listener_sees_what_the_arena_holds_and_has_done()
    {
        using Arena<uint> parent = new("metrics parent", 8_192, 4_096, 64);
        using Arena<uint> arena = new("metrics", 0, 100, 1, new ArenaOptions<uint> { Source = parent });
        arena.Free(arena.Allocate(10), 10);
        arena.Allocate(60);
        arena.Allocate(100);
        Assert.False(arena.TryAllocate(50_000, out _));
        using Listening listening = new();
        Dictionary<string, long> seen = listening.Collect("metrics");
        Assert.Equal(228, seen[ArenaMetrics.Size]);
        Assert.Equal(160, seen[ArenaMetrics.InUse]);
        Assert.Equal(0, seen[ArenaMetrics.Cached]);
        Assert.Equal(128, seen[ArenaMetrics.Imported]);
        Assert.Equal(3, seen[ArenaMetrics.Allocations]);
        Assert.Equal(1, seen[ArenaMetrics.Frees]);
        Assert.Equal(1, seen[ArenaMetrics.Failures]);
        Assert.Equal(0, seen[ArenaMetrics.Waits]);
        arena.Allocate(1);
        Assert.Equal((161, 4), (listening.Collect("metrics")[ArenaMetrics.InUse], listening.Collect("metrics")[ArenaMetrics.Allocations]));
    }

    [Fact]
    public void A_listener_sees_how_free_space_is_cut_up_and_who_waits()
    {
        using Arena<uint> arena = new("cut up", 0, 100, 1);
        uint first = arena.Allocate(20);
        _ = arena.Allocate(10);
        arena.Free(first, 20);
        using Listening listening = new();
        Dictionary<string, long> seen = listening.Collect("cut up");
        Assert.Equal((90, 70, 30), (seen[ArenaMetrics.Free], seen[ArenaMetrics.LargestFree], seen[ArenaMetrics.Peak]));
        Assert.Equal((1, 2, 0), (seen[ArenaMetrics.Segments], seen[ArenaMetrics.FreeSegments], seen[ArenaMetrics.Waiting]));
        Assert.Equal(1 - (70.0 / 90), listening.Shares[ArenaMetrics.Fragmentation], tolerance: 2e-6);
        using CancellationTokenSource ended = new();
        Task waiter = arena.AllocateAsync(80, ended.Token).AsTask();
        Assert.Equal(1, listening.Collect("cut up")[ArenaMetrics.Waiting]);
        ended.Cancel();
        Assert.Equal(0, listening.Collect("cut up")[ArenaMetrics.Waiting]);
        Assert.True(waiter.IsCanceled);
    }

    /// <summary>The largest free segment of a single-threaded arena only its own thread can look for: no figure rather than a wrong
    /// one.</summary>
    [Fact]
    public void A_single_threaded_arena_does_not_show_what_takes_a_look_into_its_tables()
    {
        using Arena<uint> arena = new("cut up alone", 0, 100, 1, new ArenaOptions<uint> { SingleThreaded = true });
        _ = arena.Allocate(20);
        using Listening listening = new();
        Dictionary<string, long> seen = listening.Collect("cut up alone");
        Assert.Equal((80, 1), (seen[ArenaMetrics.Free], seen[ArenaMetrics.Segments]));
        Assert.DoesNotContain(ArenaMetrics.LargestFree, seen);
        Assert.DoesNotContain(ArenaMetrics.Fragmentation, listening.Shares);
    }

    [Fact]
    public void A_value_that_a_long_cannot_hold_reads_as_its_top()
    {
        using Arena<UInt128> wide = new("wide", 0, UInt128.MaxValue, 1);
        using Listening listening = new();
        Assert.Equal(long.MaxValue, listening.Collect("wide")[ArenaMetrics.Size]);
        Assert.Equal(0, listening.Collect("wide")[ArenaMetrics.InUse]);
    }

    [Fact]
    public void A_disposed_arena_vanishes()
    {
        Arena<uint> arena = new("vanishes", 0, 100, 1);
        using Listening listening = new();
        Assert.NotEmpty(listening.Collect("vanishes"));
        arena.Dispose();
        arena.Dispose();
        Assert.Empty(listening.Collect("vanishes"));
    }

    [Fact]
    public void A_dropped_arena_vanishes()
    {
        using Listening listening = new();
        DropOne();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.Empty(listening.Collect("dropped"));
    }

    [Fact]
    public void An_arena_that_was_never_made_is_not_seen()
    {
        using Listening listening = new();
        Assert.Throws<ArgumentOutOfRangeException>(() => new Arena<uint>("never made", 0, 0, 1));
        Assert.Throws<FormatException>(() => Arena<uint>.Restore(new ArenaSnapshot<uint>
        {
            Name = "never made",
            Quantum = 1,
            Spans = [new SpanSnapshot<uint> { Start = 0, Size = 0, Allocated = [] }],
        }));
        Assert.Empty(listening.Collect("never made"));
    }

    [Fact]
    public void Of_two_arenas_with_one_name_both_are_seen_and_the_second_bears_a_number()
    {
        using Arena<uint> first = new("twins", 0, 100, 1);
        Arena<ulong> second = new("twins", 0, 200, 1);
        using Listening listening = new();
        Assert.Equal((100, 200), (listening.Collect("twins")[ArenaMetrics.Size], listening.Collect("twins", "2")[ArenaMetrics.Size]));
        second.Dispose();
        using Arena<ushort> third = new("twins", 0, 300, 1);
        Assert.Equal((100, 300), (listening.Collect("twins")[ArenaMetrics.Size], listening.Collect("twins", "2")[ArenaMetrics.Size]));
    }

    /// <summary>A million short-lived arenas, one in ten of them dropped without being disposed, leave nothing behind.</summary>
    [Fact]
    public void A_million_short_lived_arenas_do_not_fill_the_registry()
    {
        MeteredRegistry registry = new("name", "instance", levels: 1);
        int most = 0;
        for (int i = 0; i < 1_000_000; i++)
        {
            Live(registry, dispose: i % 10 != 0);
            most = Math.Max(most, registry.Count);
            if (i % 10_000 == 0)
            {
                GC.Collect();
            }
        }

        Assert.InRange(most, 1, 50_000);
    }

    [Fact]
    public void No_operation_allocates_with_or_without_a_listener()
    {
        using Arena<ulong> arena = new("free of garbage", 0, 1 << 20, 16);
        AssertNoGarbage(() => Operate(arena));
        using Listening listening = new();
        listening.Listener.RecordObservableInstruments();
        AssertNoGarbage(() => Operate(arena));
    }

    /// <summary>A collection of arenas at rest lists them once for each instrument; each value that has changed costs the copy of its tag
    /// besides, 40 bytes, that the library's Measurement makes.</summary>
    [Fact]
    public void A_collection_allocates_a_tag_for_each_value_that_has_changed()
    {
        using Arena<ulong> arena = new("collected", 0, 1 << 20, 16);
        using Listening listening = new();
        GC.Collect();
        long atRest;
        long busy;
        int listed;
        do                                        // the dropped arenas of other tests leave the list at any collection of garbage
        {
            listed = ArenaMetrics.Arenas.Count;
            atRest = Bytes(listening.Listener.RecordObservableInstruments) / Rounds;
            busy = Bytes(() =>
            {
                Operate(arena);
                arena.Allocate(16);
                listening.Listener.RecordObservableInstruments();
            });
        }
        while (ArenaMetrics.Arenas.Count < listed);            // no test makes one meanwhile, so that it ends

        Assert.InRange(atRest, 1, s_instruments.Length * (200 + (listed * IntPtr.Size)));
        Assert.Equal(Rounds * (atRest + (7 * 40)), busy);      // in use, free, largest free, peak, segments, allocations, frees
    }

    [Fact]
    public void Waiting_is_recorded_only_if_somebody_listens()
    {
        AssertNoGarbage(() => ArenaMetrics.RecordWait("waits", TimeSpan.FromMilliseconds(5)));
        using Listening listening = new();
        AssertNoGarbage(() => ArenaMetrics.RecordWait("waits", TimeSpan.FromMilliseconds(5)));
        listening.Waited.Clear();
        ArenaMetrics.RecordWait("waits", TimeSpan.FromMilliseconds(250));
        Assert.Equal(("waits", 0.25), Assert.Single(listening.Waited));
    }

    private static void Operate(Arena<ulong> arena)
    {
        ulong start = arena.Allocate(100);
        arena.Free(start, 100);
    }

    private static void AddIfOurs(Instrument instrument, Dictionary<string, string?> seen)
    {
        if (IsOfArenas(instrument))
        {
            seen.Add(instrument.Name, instrument.Unit);
        }
    }

    /// <summary>Object caches and buddy allocators have theirs on a meter of the same name.</summary>
    private static bool IsOfArenas(Instrument instrument) =>
        instrument.Meter.Name == ArenaMetrics.MeterName && instrument.Name.StartsWith("vmem.arena.", StringComparison.Ordinal);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void DropOne() => _ = new Arena<uint>("dropped", 0, 100, 1);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Live(MeteredRegistry registry, bool dispose)
    {
        registry.Add(new Stub(), out MeteredEntry entry);
        if (dispose)
        {
            registry.Remove(entry);
        }
    }

    private static void AssertNoGarbage(Action round) => AssertBytes(0, round);

    private static void AssertBytes(long perRound, Action round) => Assert.Equal(Rounds * perRound, Bytes(round));

    private static long Bytes(Action round) => Garbage.Of(Rounds, round);

    private sealed class Stub : IMetered
    {
        public string Name => "stub";

        public bool TryRead(int figure, out long value)
        {
            value = 0;
            return true;
        }
    }

    /// <summary>Listens to the meter and keeps nothing but what a test asks for, so that listening itself makes no garbage.</summary>
    private sealed class Listening : IDisposable
    {
        private readonly Dictionary<string, long> _found = [];
        private string? _name;
        private string? _instance;

        public Listening()
        {
            Listener.InstrumentPublished = (instrument, listener) =>
            {
                if (IsOfArenas(instrument))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            Listener.SetMeasurementEventCallback<long>(Note);
            Listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) =>
            {
                if (instrument.Name == ArenaMetrics.WaitDuration)
                {
                    Waited.Add(((string)tags[0].Value!, value));
                }
                else if (IsWanted(tags))
                {
                    Shares[instrument.Name] = value;
                }
            });
            Listener.Start();
            Waited.Capacity = 1_000;
        }

        public MeterListener Listener { get; } = new();

        /// <summary>The shares that the last collection found.</summary>
        public Dictionary<string, double> Shares { get; } = [];

        public List<(string Name, double Seconds)> Waited { get; } = [];

        public Dictionary<string, long> Collect(string name, string? instance = null)
        {
            _found.Clear();
            Shares.Clear();
            (_name, _instance) = (name, instance);
            Listener.RecordObservableInstruments();
            _name = null;
            return new(_found);
        }

        public void Dispose() => Listener.Dispose();

        private void Note(Instrument instrument, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
        {
            if (tags[0].Key != ArenaMetrics.ArenaNameTag)
            {
                Assert.Fail($"{instrument.Name} has the tag {tags[0].Key} first.");
            }

            if (IsWanted(tags))
            {
                _found.Add(instrument.Name, value);
            }
        }

        private bool IsWanted(ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
            _name is not null && _name == (string?)tags[0].Value && _instance == (tags.Length == 1 ? null : (string?)tags[1].Value);
    }
}
