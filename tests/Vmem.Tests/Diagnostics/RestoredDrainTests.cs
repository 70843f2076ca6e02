using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Diagnostics;

/// <summary>Spans that drain come out of a snapshot beside rests that are over at once.</summary>
public class RestoredDrainTests
{
    [Fact]
    public void A_rest_that_ends_while_others_are_restored_takes_no_span_away_that_is_to_drain()
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        source.Answer = static (_, constraints) => (constraints.Min, 64);
        uint[] starts = [1_024, 2_048, 4_096];
        foreach (uint start in starts)
        {
            Assert.True(source.TryImport(64, new RangeConstraints<uint> { Min = start }, out _, out _));
        }

        ArenaSnapshot<uint> snapshot = new()
        {
            Name = "leases",
            Quantum = 1,
            Spans = [.. starts.Select(static start => new SpanSnapshot<uint>
            {
                Start = start,
                Size = 64,
                Imported = true,
                IsDraining = true,
                Allocated = [],
            })],
            Resting = [.. starts.Select(static start => new RestSnapshot<uint>(start, 64, TimeSpan.FromTicks(1), null))],
        };
        ArenaOptions<uint> options = new() { Source = source, TimeProvider = new HurryingTime() };
        using Arena<uint> arena = Arena<uint>.Restore(snapshot, options);
        Assert.Equal(0u, arena.GetStatistics().TotalSize);
        arena.Validate();
        Assert.Equal((3, 0), (source.Releases, source.WrongReleases));
    }

    /// <summary>A clock on which time passes with each look, and whose timers never call.</summary>
    private sealed class HurryingTime : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now += 10;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new IdleTimer();

        private sealed class IdleTimer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
