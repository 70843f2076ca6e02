using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Window;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Clocks of a heap's user: one that is as coarse as the runtime's own, and one that fails.</summary>
public sealed unsafe class ClockTests : IDisposable
{
    private const nuint Size = 5 << 20;

    private readonly OwnWindow _own = new();
    private readonly ChangedTime _time = new();

    public void Dispose() => _own.Dispose();

    /// <summary>Timers cannot tell times of less than a millisecond from none, which means "not again".</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(5_000)]
    public void The_shortest_interval_ends_again_and_again(long ticks)
    {
        NativeHeap heap = _own.NewHeap(
            new NativeHeapOptions { Debugging = HeapDebugging.None, TimeProvider = _time, RetainedInterval = TimeSpan.FromTicks(ticks) });
        for (int burst = 0; burst < 3; burst++)
        {
            heap.Free(heap.Allocate(Size));
            _time.Manual.Advance(TimeSpan.FromMilliseconds(4));
            Assert.Equal(0u, heap.GetStatistics().Dirty);
        }
    }

    /// <summary>The report of what leaked says when.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_heap_whose_clock_fails_at_its_end_is_gone_all_the_same(int sample)
    {
        NativeHeap heap = _own.NewHeap(new NativeHeapOptions
        {
            TimeProvider = _time,
            Debugging = HeapDebugging.Default with { Sample = sample, Leaked = static _ => { } },
        });
        _ = heap.Allocate(100);
        _time.TellsTime = false;
        Assert.Throws<InvalidOperationException>(heap.Dispose);
        Assert.Equal(0u, _own.Window.InUse);
        Assert.Throws<ObjectDisposedException>(() => (nuint)heap.Allocate(1));
        heap.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_heap_whose_timer_does_not_end_is_gone_all_the_same(bool debugs)
    {
        NativeHeap heap = _own.NewHeap(new NativeHeapOptions
        {
            TimeProvider = _time,
            Debugging = debugs ? HeapDebugging.Default : HeapDebugging.None,
        });
        _ = heap.Allocate(100);
        _time.EndsTimers = false;
        Assert.Throws<InvalidOperationException>(heap.Dispose);
        Assert.Equal(0u, _own.Window.InUse);
        Assert.Throws<ObjectDisposedException>(() => (nuint)heap.Allocate(1));
        heap.Dispose();
    }

    /// <summary>As the thread of finalisers ends it: nobody waits for a report.</summary>
    [Fact]
    public void A_heap_that_was_dropped_looks_for_no_leaks()
    {
        HeapDebugging debugging = HeapDebugging.Default with { Leaked = static _ => { } };
        NativeHeapOptions options = new() { TimeProvider = _time, Debugging = debugging };
        HeapLayers layers = new(_own.Window, options, debugging);
        Assert.NotEqual(0u, layers.Top.Take(100, 1, clear: false, out _));
        _time.TellsTime = false;
        layers.Dispose();
        Assert.Equal((null, 0u), (layers.Report, _own.Window.InUse));
    }

    /// <summary>Times are whole milliseconds, rounded down.</summary>
    private sealed class ChangedTime : TimeProvider
    {
        public ManualTime Manual { get; } = new();

        public bool TellsTime { get; set; } = true;

        public bool EndsTimers { get; set; } = true;

        public override DateTimeOffset GetUtcNow() =>
            TellsTime ? Manual.GetUtcNow() : throw new InvalidOperationException("This clock has stopped.");

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            new CoarseTimer(this, Manual.CreateTimer(callback, state, Coarse(dueTime), Coarse(period)));

        private static TimeSpan Coarse(TimeSpan time) => TimeSpan.FromMilliseconds((long)time.TotalMilliseconds);

        private sealed class CoarseTimer(ChangedTime time, ITimer timer) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(Coarse(dueTime), Coarse(period));

            public void Dispose()
            {
                timer.Dispose();
                if (!time.EndsTimers)
                {
                    throw new InvalidOperationException("This timer does not end.");
                }
            }

            public ValueTask DisposeAsync()
            {
                Dispose();
                return ValueTask.CompletedTask;
            }
        }
    }
}
