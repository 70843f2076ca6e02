using System.Reflection;
using Vmem.Caching;
using Vmem.Space;
using Vmem.Testing.Sources;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>Empty imports that are kept and not needed go back in the course of time.</summary>
public class AgeingTests
{
    [Theory]
    [InlineData(0u)]
    [InlineData(1_000u)]
    public void What_was_not_needed_for_two_intervals_goes_back(uint retained)
    {
        ManualTime time = new();
        using Arena<uint> pool = new("pool", 0, 10_000, 1);
        using Arena<uint> arena = Make(pool, time, retained);
        arena.Free(arena.Allocate(100), 100);
        uint kept = arena.GetStatistics().TotalSize;
        Assert.NotEqual(0u, kept);
        time.Advance(Upkeep.Interval);
        time.Advance(Upkeep.Interval);
        Assert.Equal(kept, arena.GetStatistics().TotalSize);
        time.Advance(Upkeep.Interval);
        Assert.Equal((0u, 0u), (arena.GetStatistics().TotalSize, pool.GetStatistics().InUse));
        arena.Validate();
    }

    /// <summary>What an import that became empty wakes, may sleep again when none is left.</summary>
    [Fact]
    public void The_upkeep_is_woken_by_the_first_empty_import_and_goes_on_as_long_as_one_is_left()
    {
        ICachedRanges<uint> caches = DispatchProxy.Create<ICachedRanges<uint>, WakeCounter>();
        ScriptedSource<uint> source = TestSources.Ascending(1u, 0u);
        Space<uint> space = new("ages", 1, new ArenaOptions<uint> { Source = source, RetainedImport = 1_000 }) { Caches = caches };
        Attach();
        Attach();
        Assert.Equal(1, Wakes());
        Assert.Equal([true, true, false], Enumerable.Range(0, 3).Select(_ => space.AgeEmpty()));
        Assert.Equal((2, 0), (source.Releases, source.WrongReleases));
        Attach();
        Assert.Equal((2, true), (Wakes(), space.AgeEmpty()));
        Assert.False(new Space<uint>("alone", 1, new ArenaOptions<uint>()).AgeEmpty());

        int Wakes() => ((WakeCounter)caches).Wakes;

        void Attach()
        {
            Assert.True(source.TryImport(10, default, out uint start, out uint size));
            Segment<uint> import = new(start, size, SegmentKind.Span);
            using Visit<uint> visit = space.Visit();
            Assert.True(space.TryAttach(ref import));
        }
    }

    [Fact]
    public void What_is_needed_in_each_interval_stays()
    {
        ManualTime time = new();
        using Arena<uint> pool = new("pool", 0, 10_000, 1);
        using Arena<uint> arena = Make(pool, time, retained: 1_000);
        for (int i = 0; i < 10; i++)
        {
            arena.Free(arena.Allocate(100), 100);
            time.Advance(Upkeep.Interval);
        }

        Assert.Equal(1, arena.GetStatistics().Imports);
    }

    [Fact]
    public void A_source_that_throws_is_reported_by_Validate()
    {
        ManualTime time = new();
        ScriptedSource<uint> source = TestSources.Ascending(1u, 10_000u);
        using Arena<uint> arena = Make(source, time, retained: 1_000);
        arena.Free(arena.Allocate(100), 100);
        source.OnRelease = static (_, _) => throw new TimeZoneNotFoundException("of the source's own");
        time.Advance(3 * Upkeep.Interval);
        source.OnRelease = null;
        string message = Assert.Throws<InvariantViolationException>(arena.Validate).Message;
        Assert.Contains("of the source's own", message, StringComparison.Ordinal);
        Assert.Equal(0u, arena.GetStatistics().TotalSize);
    }

    /// <summary>Caches that do nothing and count how often they are woken.</summary>
#pragma warning disable CA1852 // The proxy is derived from it.
    internal class WakeCounter : DispatchProxy
#pragma warning restore CA1852
    {
        public int Wakes { get; private set; }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            Wakes += targetMethod!.Name == nameof(ICachedRanges<uint>.WakeUpkeep) ? 1 : 0;
            return targetMethod.ReturnType is { IsValueType: true } type && type != typeof(void) ? Activator.CreateInstance(type) : null;
        }
    }

    private static Arena<uint> Make(IArenaSource<uint> source, ManualTime time, uint retained) =>
        new("ageing", 1, new ArenaOptions<uint> { Source = source, QuantumCacheMax = 4, RetainedImport = retained, TimeProvider = time });
}
