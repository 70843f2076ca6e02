using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Diagnostics;

/// <summary>A snapshot that contradicts itself leaves nothing behind: no borrower, no timer, no list entry.</summary>
/// <remarks>Alone: see <see cref="Listing.VmemProcessTests"/>.</remarks>
[Collection(nameof(Caching.Alone))]
public class FailedRestoreTests
{
    private const ulong Unit = 4_096;

    /// <summary>Before the fault is found, an import is restored that is wholly free, and so is listed in the source.</summary>
    [Theory]
    [InlineData(0ul)]
    [InlineData(8 * Unit)]
    public void A_source_asks_for_nothing_back(ulong cached)
    {
        using Arena<ulong> source = new("source", 0, 64 * Unit, Unit);
        ArenaOptions<ulong> options = new() { Source = source, QuantumCacheMax = cached };
        using Arena<ulong> arena = new("not restored", Unit, options);
        ulong held = arena.Allocate(16 * Unit);
        arena.Free(held, 16 * Unit);
        ArenaSnapshot<ulong> good = arena.Snapshot();
        Assert.True(Assert.Single(good.Spans).Imported);

        Assert.Throws<FormatException>(() => Arena<ulong>.Restore(With(good, spans: [.. good.Spans, .. good.Spans], freed: []), options));
        Assert.Equal(good.Spans[0].Size, source.GetStatistics().InUse);         // nothing was released
        Assert.Single(VmemProcess.Arenas, view => view.Name == arena.Name);
        ulong all = source.Allocate(64 * Unit);
        source.Free(all, 64 * Unit);
        source.Validate();
    }

    /// <summary>The order of free space is looked at when the rests have begun.</summary>
    [Fact]
    public void A_clock_calls_nobody()
    {
        ManualTime time = new();
        ArenaOptions<ulong> options = new() { Policy = FitPolicy.OldestFit, TimeProvider = time };
        using Arena<ulong> arena = new("arena", 0, 64, 1, options);
        Assert.True(arena.TryAllocateAt(8, 1));
        arena.FreeAfter(8, 1, TimeSpan.FromHours(1));
        ArenaSnapshot<ulong> good = arena.Snapshot();
        arena.Dispose();
        Assert.Equal(0, time.Timers);

        ArenaSnapshot<ulong> bad = With(good, good.Spans, freed: [new FreedSnapshot<ulong>(8, 1)]);
        Assert.Throws<FormatException>(() => Arena<ulong>.Restore(bad, options));
        Assert.Equal(0, time.Timers);
    }

    private static ArenaSnapshot<ulong> With(ArenaSnapshot<ulong> snapshot, IReadOnlyList<SpanSnapshot<ulong>> spans,
        IReadOnlyList<FreedSnapshot<ulong>> freed)
    {
        return new()
        {
            Name = snapshot.Name,
            Quantum = snapshot.Quantum,
            Policy = snapshot.Policy,
            Freed = freed,
            Spans = spans,
            Resting = snapshot.Resting,
        };
    }
}
