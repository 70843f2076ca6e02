using System.Numerics;
using Vmem.Diagnostics;
using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Strides;

/// <summary>Arenas whose quantum is no power of two, and requests whose alignment is none.</summary>
public class StrideTests
{
    [Theory]
    [InlineData(3)]
    [InlineData(12)]
    [InlineData(36)]
    [InlineData(100)]
    public void Sizes_are_rounded_up_to_any_quantum(uint quantum)
    {
        using Arena<uint> arena = new("strides", quantum * 5, quantum * 10, quantum);
        Assert.Equal(quantum * 5, arena.Allocate(1));
        Assert.Equal(quantum * 6, arena.Allocate(quantum + 1));
        Assert.Equal(quantum * 3, arena.GetStatistics().InUse);
        arena.Free(quantum * 6, quantum + 1);
        Assert.Throws<InvalidFreeException>(() => arena.Free(quantum * 5, quantum + 1));
        arena.Free(quantum * 5, quantum);
        Assert.Equal(quantum * 10, arena.GetStatistics().LargestFree);
        arena.Validate();
    }

    [Fact]
    public void An_alignment_may_be_any_multiple_of_the_quantum()
    {
        foreach (FitPolicy policy in Enum.GetValues<FitPolicy>())
        {
            using Arena<uint> arena = new("vertices", 100, 1_000, 1, new ArenaOptions<uint> { Policy = policy });
            uint start = arena.AllocateConstrained(48, new RangeConstraints<uint> { Align = 12 });
            Assert.Equal(0u, start % 12);
            start = arena.AllocateConstrained(48, new RangeConstraints<uint> { Align = 36, Phase = 5 });
            Assert.Equal(5u, start % 36);
            start = arena.AllocateConstrained(36, new RangeConstraints<uint> { Align = 36, NoCross = 64 });
            Assert.True(start % 36 == 0 && start / 64 == (start + 35) / 64, $"{policy}: {start}");
            arena.Validate();
        }
    }

    /// <summary>Align 12 beside NoCross 16: of 0, 12 and 24 only every third, from 0 on, does not cross.</summary>
    [Fact]
    public void A_boundary_may_rule_out_several_places_in_a_row()
    {
        using Arena<uint> arena = new("strides", 1, 95, 1, new ArenaOptions<uint> { Policy = FitPolicy.FirstFit });
        RangeConstraints<uint> constraints = new() { Align = 12, NoCross = 16 };
        Assert.Equal(36u, arena.AllocateConstrained(12, constraints));
        Assert.Equal(48u, arena.AllocateConstrained(12, constraints));
        Assert.Equal(84u, arena.AllocateConstrained(12, constraints));
        Assert.False(arena.TryAllocateConstrained(12, constraints, out _));
    }

    [Theory]
    [InlineData(18, 0, 0, "Align must be a multiple of the quantum 12")]
    [InlineData(36, 6, 0, "Phase must be a multiple of the quantum 12")]
    [InlineData(36, 36, 0, "less than Align (36)")]
    [InlineData(36, 0, 48, "NoCross must be a power of two")]
    [InlineData(36, 0, 32, "at least Align (36)")]
    [InlineData(48, 12, 64, "can never lie between")]
    public void What_can_never_be_right_is_said(uint align, uint phase, uint noCross, string said)
    {
        using Arena<uint> arena = new("strides", 0, 1_200, 12);
        uint size = noCross == 64 ? 60u : 12;
        RangeConstraints<uint> constraints = new() { Align = align, Phase = phase, NoCross = noCross };
        ArgumentException error = Assert.Throws<ArgumentException>(() => arena.TryAllocateConstrained(size, constraints, out _));
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_boundary_need_not_be_a_multiple_of_the_quantum()
    {
        using Arena<uint> arena = new("vertices", 0, 12 * 1_024, 12, new ArenaOptions<uint> { Policy = FitPolicy.FirstFit });
        RangeConstraints<uint> inPage = new() { NoCross = 4_096 };
        Assert.Equal(0u, arena.AllocateConstrained(3_000, inPage));
        Assert.Equal(4_104u, arena.AllocateConstrained(3_000, inPage));
    }

    [Fact]
    public void A_quantum_of_0_is_refused_and_so_are_spans_that_are_not_whole_quanta()
    {
        Assert.Throws<ArgumentException>(() => new Arena<uint>("none", 0));
        using Arena<uint> arena = new("strides", 12);
        Assert.Throws<ArgumentException>(() => arena.AddSpan(6, 12));
        Assert.Throws<ArgumentException>(() => arena.AddSpan(12, 18));
        arena.AddSpan(12, 24);
        Assert.Throws<ArgumentOutOfRangeException>(() => arena.TryAllocate(uint.MaxValue, out _));
        const uint Most = uint.MaxValue / 12 * 12;
        Assert.Equal(Most, (uint)Assert.Throws<ArenaExhaustedException>(() => arena.Allocate(Most - 3)).Requested);
    }

    [Fact]
    public void Imports_are_multiples_of_both_quanta()
    {
        using Arena<uint> pages = new("pages", 0, 160, 16);
        using Arena<uint> vertices = new("vertices", 12, new ArenaOptions<uint> { Source = pages });
        uint start = vertices.Allocate(12);
        Assert.Equal(0u, start % 12);
        Segment<uint> import = Assert.Single(vertices.GetSegments(), segment => segment.Kind == SegmentKind.Span);
        Assert.Equal((0u, 0u), (import.Start % 48, import.Size % 48));
        Assert.Equal(48u, pages.GetStatistics().InUse);

        // 160 holds three whole multiples of 48: with 12 each, twelve.
        Assert.All(Enumerable.Range(1, 11), _ => vertices.Allocate(12));
        Assert.False(vertices.TryAllocate(12, out _));
        vertices.Free(start, 12);
        Assert.Equal(start, vertices.AllocateConstrained(12, new RangeConstraints<uint> { Min = start, Max = start + 12 }));
        vertices.Validate();
        pages.Validate();
    }

    [Theory]
    [InlineData(4u, 12u)]
    [InlineData(36u, 12u)]
    [InlineData(12u, 36u)]
    [InlineData(16u, 12u)]
    [InlineData(10u, 15u)]
    public void A_place_that_the_source_has_is_found_through_an_import(uint sourceQuantum, uint quantum)
    {
        uint unit = (uint)(sourceQuantum * (ulong)quantum / (ulong)BigInteger.GreatestCommonDivisor(sourceQuantum, quantum));
        for (uint place = 0; place < 4 * unit; place += quantum)
        {
            using Arena<uint> source = new("source", 0, 4 * unit, sourceQuantum);
            using Arena<uint> arena = new("arena", quantum, new ArenaOptions<uint> { Source = source });
            RangeConstraints<uint> here = new() { Align = 2 * quantum, Phase = place % (2 * quantum), Min = place, Max = place + quantum };
            Assert.Equal(place, arena.AllocateConstrained(quantum, here));
            arena.Free(place, quantum);
        }
    }

    [Fact]
    public void Quanta_without_a_common_multiple_are_refused_with_a_way_out()
    {
        using Arena<byte> source = new("source", 0, 255, 17);
        ArenaOptions<byte> options = new() { Source = source };
        ArgumentException error = Assert.Throws<ArgumentException>(() => new Arena<byte>("arena", 16, options));
        Assert.Contains("of which one divides the other", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_source_that_keeps_its_contract_serves_a_stride()
    {
        ScriptedSource<ulong> source = TestSources.Ascending<ulong>(4_096, 1ul << 40);
        using Arena<ulong> arena = new("vertices", 12, new ArenaOptions<ulong> { Source = source });
        ulong start = arena.AllocateConstrained(120, new RangeConstraints<ulong> { Align = 60, Phase = 24 });
        Assert.Equal(24ul, start % 60);
        arena.Free(start, 120);
        arena.Validate();
    }

    [Fact]
    public void Quantum_caches_keep_strides()
    {
        using Arena<uint> arena = new("cached", 0, 12 * 4_096, 12, new ArenaOptions<uint> { QuantumCacheMax = 48 });
        HashSet<uint> all = [];
        for (uint size = 1; size <= 48; size++)
        {
            uint start = arena.Allocate(size);
            Assert.True(start % 12 == 0 && all.Add(start));
            arena.Free(start, size);
            Assert.Equal(start, arena.Allocate(size));       // from the magazine
        }

        ArenaStatistics<uint> statistics = arena.GetStatistics();
        Assert.Equal(12u * (12 + 24 + 36 + 48), statistics.InUse);
        Assert.True(statistics.Cached > 0);
        arena.Validate();
        _ = arena.Reap();
        arena.Validate();
    }

    [Fact]
    public void A_snapshot_keeps_the_stride()
    {
        using Arena<ulong> arena = new("strides", 36, 3_600, 36);
        ulong first = arena.Allocate(100);
        _ = arena.Allocate(36);
        arena.Free(first, 100);
        using Arena<ulong> restored = Arena<ulong>.Restore(arena.Snapshot());
        Assert.Equal((36ul, 1L), (restored.Quantum, restored.GetStatistics().LiveSegments));
        Assert.Equal(arena.GetSegments(), restored.GetSegments());
        restored.Validate();
    }
}
