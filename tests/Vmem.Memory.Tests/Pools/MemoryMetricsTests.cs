using System.Buffers;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Xunit;

namespace Vmem.Memory.Tests.Pools;

/// <summary>What a listener sees of live heaps and pools. Those of other tests are seen too: each test looks for its own names.</summary>
[Collection(nameof(MemoryMetricsTests))]
[CollectionDefinition(nameof(MemoryMetricsTests), DisableParallelization = true)]
public class MemoryMetricsTests
{
    [Fact]
    public void Each_instrument_has_its_name_and_unit()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap);
        Dictionary<string, string?> seen = [];
        using MeterListener listener = new() { InstrumentPublished = (instrument, _) => AddIfOurs(instrument, seen) };
        listener.Start();
        Dictionary<string, string?> expected = new()
        {
            [MemoryMetrics.Reserved] = "By",
            [MemoryMetrics.Committed] = "By",
            [MemoryMetrics.Resident] = "By",
            [MemoryMetrics.Dirty] = "By",
            [MemoryMetrics.Decommitted] = "By",
            [MemoryMetrics.Held] = "By",
            [MemoryMetrics.InUse] = "By",
            [MemoryMetrics.Cached] = "By",
            [MemoryMetrics.LiveBlocks] = "{block}",
            [MemoryMetrics.Allocations] = "{allocation}",
            [MemoryMetrics.Frees] = "{free}",
            [MemoryMetrics.Failures] = "{failure}",
            [MemoryMetrics.Outstanding] = "{owner}",
            [MemoryMetrics.Rented] = "{rent}",
            [MemoryMetrics.Leaks] = "{owner}",
        };
        Assert.Equal(expected, seen);
    }

    [Fact]
    public void What_has_no_sum_over_contexts_is_a_gauge()
    {
        using MemoryContext context = new((nuint)1 << 20);
        List<string> gauges = [];
        using MeterListener listener = new()
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name == MemoryMetrics.MeterName && instrument is ObservableGauge<long> or ObservableGauge<double>)
                {
                    gauges.Add(instrument.Name);
                }
            },
        };
        listener.Start();
        Assert.Equal([MemoryMetrics.ContextFragmentation, MemoryMetrics.ContextLargestFree, MemoryMetrics.ContextPeak],
            gauges.Where(static name => name.StartsWith("vmem.context.", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public unsafe void A_listener_sees_what_a_heap_holds()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Name = "metrics", Limit = 64 << 20 });
        for (int i = 0; i < 10; i++)
        {
            heap.Allocate(100);
        }

        Assert.False(heap.TryAllocate(1 << 30, out _));         // first: it empties the magazines
        heap.Free(heap.Allocate(3_000_000));
        _ = heap.Trim();
        *(byte*)heap.Allocate(1 << 20) = 1;
        heap.Free(heap.Allocate(2_000_000));
        heap.Free(heap.Allocate(100_000));                      // the thread keeps it
        using Listening listening = new();
        Dictionary<string, long> seen = listening.Collect(MemoryMetrics.HeapNameTag, "metrics");
        NativeHeapStatistics statistics = heap.GetStatistics();
        Assert.Equal(11, seen[MemoryMetrics.LiveBlocks]);
        Assert.Equal(1, seen[MemoryMetrics.Failures]);
        Assert.Equal((14, 3), (seen[MemoryMetrics.Allocations], seen[MemoryMetrics.Frees]));
        Assert.Equal((long)statistics.Reserved, seen[MemoryMetrics.Reserved]);
        Assert.Equal((long)statistics.Committed, seen[MemoryMetrics.Committed]);
        Assert.Equal((long)statistics.Resident, seen[MemoryMetrics.Resident]);
        Assert.Equal((long)statistics.Dirty, seen[MemoryMetrics.Dirty]);
        Assert.Equal((long)statistics.Decommitted, seen[MemoryMetrics.Decommitted]);
        Assert.Equal((long)statistics.Held, seen[MemoryMetrics.Held]);
        Assert.Equal((long)statistics.InUse, seen[MemoryMetrics.InUse]);
        Assert.Equal((long)statistics.Cached, seen[MemoryMetrics.Cached]);
        Assert.All(seen, each => Assert.InRange(each.Value, 1, long.MaxValue));
    }

    [Fact]
    public void A_listener_sees_what_a_pool_has_done()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap, new NativeMemoryPoolOptions { Name = "metrics", TrackLeaks = true });
        using IMemoryOwner<byte> owner = pool.Rent();
        pool.Rent().Dispose();
        Lose(pool);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        using Listening listening = new();
        Dictionary<string, long> seen = listening.Collect(MemoryMetrics.PoolNameTag, "metrics");
        Assert.Equal((3, 2, 1), (seen[MemoryMetrics.Rented], seen[MemoryMetrics.Outstanding], seen[MemoryMetrics.Leaks]));
    }

    [Fact]
    public unsafe void A_listener_sees_what_a_context_has_given_back()
    {
        using MemoryContext context = new(16 << 20, new MemoryContextOptions { Name = "gives back" });
        using (MemoryClient client = context.CreateClient("client"))
        {
            new Span<byte>(client.Allocate(8 << 20), 8 << 20).Fill(1);
        }

        _ = context.Trim();
        using Listening listening = new();
        Assert.Equal(8 << 20, listening.Collect(MemoryMetrics.ContextNameTag, "gives back")[MemoryMetrics.ContextDecommitted]);
    }

    [Fact]
    public unsafe void Clients_of_one_name_are_measured_together()
    {
        using MemoryContext context = new(1 << 20, new MemoryContextOptions { Name = "measured" });
        using MemoryClient first = context.CreateClient("script", 10_000);
        MemoryClient second = context.CreateClient("script", 20_000);
        using MemoryClient other = context.CreateClient("other");
        first.Allocate(100);
        second.Allocate(1_000);
        Assert.False(second.TryAllocate(30_000, out _));
        using Listening listening = new();
        Dictionary<string, long> both = listening.Collect(MemoryMetrics.ClientNameTag, "script", "measured");
        Assert.Equal((128 + 1_024, 30_000), (both[MemoryMetrics.ClientInUse], both[MemoryMetrics.ClientQuota]));
        Assert.Equal(((long)(first.Held + second.Held), 1), (both[MemoryMetrics.ClientHeld], both[MemoryMetrics.ClientFailures]));
        string[] unlimited = [MemoryMetrics.ClientFailures, MemoryMetrics.ClientHeld, MemoryMetrics.ClientInUse];
        Assert.Equal(unlimited, listening.Collect(MemoryMetrics.ClientNameTag, "other", "measured").Keys.Order(StringComparer.Ordinal));
        second.Dispose();
        both = listening.Collect(MemoryMetrics.ClientNameTag, "script", "measured");
        Assert.Equal(
            (128, 10_000, 0), (both[MemoryMetrics.ClientInUse], both[MemoryMetrics.ClientQuota], both[MemoryMetrics.ClientFailures]));
    }

    [Fact]
    public void Of_two_with_one_name_the_second_bears_a_number()
    {
        using NativeHeap first = new(new NativeHeapOptions { Name = "twins" });
        using NativeHeap second = new(new NativeHeapOptions { Name = "twins" });
        using NativeMemoryPool<byte> pool = new(first, new NativeMemoryPoolOptions { Name = "twins" });
        using NativeMemoryPool<int> other = new(first, new NativeMemoryPoolOptions { Name = "twins" });
        using Listening listening = new();
        Assert.Equal(12, listening.Collect(MemoryMetrics.HeapNameTag, "twins").Count);
        Assert.Equal(12, listening.Collect(MemoryMetrics.HeapNameTag, "twins", "2").Count);
        Assert.Equal(3, listening.Collect(MemoryMetrics.PoolNameTag, "twins").Count);
        Assert.Equal(3, listening.Collect(MemoryMetrics.PoolNameTag, "twins", "2").Count);
    }

    [Fact]
    public void What_is_disposed_of_vanishes()
    {
        NativeHeap heap = new(new NativeHeapOptions { Name = "vanishes" });
        NativeMemoryPool<byte> pool = new(heap, new NativeMemoryPoolOptions { Name = "vanishes" });
        using Listening listening = new();
        Assert.NotEmpty(listening.Collect(MemoryMetrics.PoolNameTag, "vanishes"));
        pool.Dispose();
        Assert.Empty(listening.Collect(MemoryMetrics.PoolNameTag, "vanishes"));
        Assert.NotEmpty(listening.Collect(MemoryMetrics.HeapNameTag, "vanishes"));
        heap.Dispose();
        Assert.Empty(listening.Collect(MemoryMetrics.HeapNameTag, "vanishes"));
    }

    /// <summary>A collection that is under way when a heap is disposed of reads all of it or nothing.</summary>
    [Fact]
    public async Task Heaps_may_go_during_a_collection()
    {
        using Listening listening = new();
        bool done = false;
        Task collecting = Task.Run(() =>
        {
            while (!Volatile.Read(ref done))
            {
                listening.Collect(MemoryMetrics.HeapNameTag, "goes");
            }
        }, TestContext.Current.CancellationToken);
        for (int i = 0; i < 300; i++)
        {
            using NativeHeap heap = new(new NativeHeapOptions { Name = "goes" });
            Use(heap);
        }

        Volatile.Write(ref done, true);
        await collecting;
    }

    private static unsafe void Use(NativeHeap heap) => heap.Free(heap.Allocate(100));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Lose(NativeMemoryPool<byte> pool) => pool.Rent().Memory.Span.Clear();

    private static void AddIfOurs(Instrument instrument, Dictionary<string, string?> seen)
    {
        if (instrument.Name.StartsWith("vmem.heap.", StringComparison.Ordinal) || instrument.Name.StartsWith("vmem.pool.", StringComparison.Ordinal))
        {
            Assert.Equal(MemoryMetrics.MeterName, instrument.Meter.Name);
            seen.Add(instrument.Name, instrument.Unit);
        }
    }

    private sealed class Listening : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly Dictionary<string, long> _found = [];
        private string? _tag;
        private string? _name;
        private string? _instance;

        public Listening()
        {
            _listener.InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == MemoryMetrics.MeterName)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>(Note);
            _listener.Start();
        }

        public Dictionary<string, long> Collect(string tag, string name, string? instance = null)
        {
            _found.Clear();
            (_tag, _name, _instance) = (tag, name, instance);
            _listener.RecordObservableInstruments();
            return new(_found);
        }

        public void Dispose() => _listener.Dispose();

        private void Note(Instrument instrument, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
        {
            if (tags[0].Key == _tag && (string?)tags[0].Value == _name && _instance == (tags.Length == 1 ? null : (string?)tags[1].Value))
            {
                _found.Add(instrument.Name, value);
            }
        }
    }
}
