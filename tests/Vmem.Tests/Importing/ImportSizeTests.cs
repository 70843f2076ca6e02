using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>How much is imported: max(request, MinImport), rounded up to the larger of the two quanta.</summary>
public class ImportSizeTests
{
    [Theory]
    [InlineData(16, 4_096, 0, 20, 4_096)]
    [InlineData(16, 4_096, 0, 4_097, 8_192)]
    [InlineData(16, 4_096, 10_000, 20, 12_288)]
    [InlineData(16, 4_096, 10_000, 20_000, 20_480)]
    [InlineData(4_096, 16, 0, 20, 4_096)]
    [InlineData(4_096, 16, 5_000, 20, 8_192)]
    [InlineData(1, 1, 0, 7, 7)]
    [InlineData(1, 1, 100, 7, 100)]
    public void An_import_is_as_large_as_the_larger_of_request_and_minimum(
        uint quantum,
        uint sourceQuantum,
        uint minImport,
        uint request,
        uint expected)
    {
        ScriptedSource<uint> source = TestSources.Ascending(sourceQuantum, 65_536u);
        using Arena<uint> arena = new("child", quantum, new ArenaOptions<uint> { Source = source, MinImport = minImport });
        arena.Allocate(request);
        Assert.Equal(expected, Assert.Single(source.Outstanding).Size);
        Assert.Equal(expected, arena.GetStatistics().Imported);
        Assert.Equal(expected, arena.GetStatistics().TotalSize);
        Assert.Equal(1, arena.GetStatistics().Imports);
        arena.Validate();
    }

    [Fact]
    public void A_child_with_a_larger_quantum_gets_spans_aligned_to_it()
    {
        using Arena<uint> parent = new("parent", 16, 4_096, 16);
        using Arena<uint> child = new("child", 64, new ArenaOptions<uint> { Source = parent });
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(0u, child.Allocate(10) % 64);
        }

        child.Validate();
        parent.Validate();
    }

    /// <summary>When the minimum cannot be had but the request can, the request is met.</summary>
    [Fact]
    public void A_request_does_not_fail_because_the_minimum_import_does()
    {
        using Arena<uint> parent = new("parent", 0, 1_000, 1);
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Source = parent, MinImport = 5_000 });
        Assert.True(child.TryAllocate(10, out _));
        child.Validate();
    }

    [Fact]
    public void Every_way_to_allocate_imports()
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source });
        arena.Allocate(64);
        arena.Allocate(64, FitPolicy.NextFit);
        arena.AllocateConstrained(64, new() { Align = 64 });
        Assert.True(arena.TryAllocateHandle(64, out _));
        Assert.Equal(3, arena.TryAllocateMany(64, new uint[3]));
        Assert.True(arena.TryAllocate(64, out _));
        Assert.Equal(8u * 64, arena.GetStatistics().Imported);
        Assert.Equal(8u * 64, arena.GetStatistics().InUse);
        arena.Validate();
    }

    [Fact]
    public void Explain_and_extend_import_nothing()
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source });
        FitReport<uint> report = arena.Explain(10);
        Assert.Equal((false, FitFailure.NoSpan, true), (report.Fits, report.Failure, report.CanImport));
        uint start = arena.Allocate(64);
        Assert.False(arena.TryExtend(start, 64, 65));
        Assert.Equal(1, source.Imports);
    }

    [Fact]
    public void The_limit_stops_imports_and_spans()
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source, Limit = 200 });
        arena.AddSpan(0, 64);
        arena.Allocate(64);
        arena.Allocate(64);
        arena.Allocate(64);
        Assert.False(arena.TryAllocate(64, out _));
        Assert.Throws<ArgumentException>(() => arena.AddSpan(64, 9));
        arena.AddSpan(64, 8);
        Assert.Equal(200u, arena.GetStatistics().TotalSize);
        Assert.Equal(2, source.Outstanding.Count);
        arena.Validate();
    }
}
