using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>When imports go back.</summary>
public class HysteresisTests
{
    /// <summary>illumos, FreeBSD and NetBSD release a span the moment it is free, and import it again at the next request.</summary>
    [Fact]
    public void All_known_implementations_thrash_at_the_boundary()
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source });
        for (int i = 0; i < 100; i++)
        {
            arena.Free(arena.Allocate(64), 64);
        }

        Assert.Equal((1, 0), (source.Imports, source.Releases));
        Assert.Equal(0, arena.GetStatistics().Releases);
    }

    [Fact]
    public void One_free_span_is_kept_whatever_its_size_unless_more_is_asked_for()
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source });
        uint[] sizes = [64, 6_400, 128];
        uint[] starts = [.. sizes.Select(arena.Allocate)];
        for (int i = 0; i < sizes.Length; i++)
        {
            arena.Free(starts[i], sizes[i]);
            arena.Validate();
            Assert.Equal(i, source.Releases);
        }

        Assert.Single(source.Outstanding);
        Assert.Equal(0, source.WrongReleases);
        Assert.Equal(source.Outstanding[0].Size, arena.GetStatistics().Imported);
    }

    [Fact]
    public void As_much_is_kept_as_the_options_say()
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source, RetainedImport = 130 });
        uint[] starts = [.. Enumerable.Range(0, 5).Select(_ => arena.Allocate(64))];
        foreach (uint start in starts)
        {
            arena.Free(start, 64);
        }

        arena.Validate();
        Assert.Equal(2, source.Outstanding.Count);
        Assert.Equal(128u, arena.GetStatistics().Imported);
        Assert.Equal((5, 3), (arena.GetStatistics().Imports, arena.GetStatistics().Releases));
    }

    [Theory]
    [InlineData(1u, 1u)]
    [InlineData(1u, 64u)]
    [InlineData(16u, 16u)]
    public void None_is_kept_if_the_options_say_so(uint quantum, uint size)
    {
        ScriptedSource<uint> source = TestSources.Ascending(quantum, 1_024u);
        ArenaOptions<uint> options = new() { Source = source, RetainedImport = ArenaOptions<uint>.RetainNone };
        using Arena<uint> arena = new("child", quantum, options);
        for (int i = 1; i <= 3; i++)
        {
            arena.Free(arena.Allocate(size), size);
            arena.Validate();
            Assert.Equal((i, i, 0u), (source.Imports, source.Releases, arena.GetStatistics().TotalSize));
        }
    }

    [Fact]
    public void All_are_kept_if_the_options_say_so()
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source, RetainedImport = uint.MaxValue });
        uint[] starts = [.. Enumerable.Range(0, 50).Select(_ => arena.Allocate(64))];
        Array.ForEach(starts, start => arena.Free(start, 64));
        Assert.Equal((50, 0), (source.Imports, source.Releases));
    }

    [Fact]
    public void Reap_returns_all_free_imports_and_says_how_much()
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source, RetainedImport = 100_000 });
        arena.AddSpan(0, 64);
        uint[] starts = [.. Enumerable.Range(0, 6).Select(_ => arena.Allocate(64))];
        foreach (uint start in starts.Skip(1).Take(4))
        {
            arena.Free(start, 64);
        }

        Assert.Equal(5, source.Outstanding.Count);
        Assert.Equal(4u * 64, arena.Reap());
        Assert.Equal(0u, arena.Reap());
        Assert.Single(source.Outstanding);
        Assert.Equal(128u, arena.GetStatistics().TotalSize);
        Assert.Equal(0, source.WrongReleases);
        arena.Validate();
    }

    /// <summary>gburd/libumem and portableumem mark the free segment and not the span as imported; coalescing loses the mark and the span
    /// never goes back.</summary>
    [Fact]
    public void Libumem_forgets_an_import_when_its_free_segments_coalesce()
    {
        ScriptedSource<uint> source = TestSources.Ascending(4_096u, 4_096u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source });
        uint[] starts = [.. Enumerable.Range(0, 12).Select(_ => arena.Allocate(1_024))];
        foreach (int index in (int[])[1, 0, 3, 2, 5, 7, 4, 6, 11, 9, 8, 10])
        {
            arena.Free(starts[index], 1_024);
            arena.Validate();
        }

        arena.Reap();
        Assert.Empty(source.Outstanding);
        Assert.Equal((3, 3, 0), (source.Imports, source.Releases, source.WrongReleases));
        Assert.Equal(0u, arena.GetStatistics().TotalSize);
    }

    [Fact]
    public void Adjacent_imports_do_not_coalesce()
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source, RetainedImport = 1_000 });
        uint first = arena.Allocate(64);
        uint second = arena.Allocate(64);
        Assert.Equal(first + 64, second);
        arena.Free(first, 64);
        arena.Free(second, 64);
        Assert.Equal(2, arena.GetStatistics().FreeSegments);
        Assert.Equal(64u, arena.GetStatistics().LargestFree);
        Assert.Equal(128u, arena.Allocate(128) - first);
    }

    /// <summary>illumos' vmem_destroy warns about leaks and leaves their imports with nobody.</summary>
    [Fact]
    public void Illumos_forgets_the_imports_of_leaked_segments_when_an_arena_is_destroyed()
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source, RetainedImport = 1_000 });
        arena.AddSpan(0, 64);
        for (uint i = 0; i < 10; i++)
        {
            arena.Allocate(32);
        }

        arena.Free(arena.Allocate(32), 32);
        Assert.NotEmpty(source.Outstanding);
        arena.Dispose();
        arena.Dispose();
        Assert.Empty(source.Outstanding);
        Assert.Equal(0, source.WrongReleases);
    }

    [Fact]
    public void An_imported_span_cannot_be_removed_by_hand()
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source });
        arena.Free(arena.Allocate(64), 64);
        (uint start, uint size) = Assert.Single(source.Outstanding);
        Assert.Throws<ArgumentException>(() => arena.TryRemoveSpan(start, size));
        Assert.Single(source.Outstanding);
        arena.Validate();
    }
}
