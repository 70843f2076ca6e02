using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>A source throws when the arena has already taken what the caller asked for. The caller does not learn of it, so it is taken
/// back, whatever is thrown then; and the first exception is the one that is thrown.</summary>
public class UndoneTests
{
    private readonly ScriptedSource<uint> _source = TestSources.Ascending(1u, 1_000u);

    private Arena<uint> Make(uint cacheMax = 0) => new("undone", 1,
        new ArenaOptions<uint> { Source = _source, RetainedImport = ArenaOptions<uint>.RetainNone, QuantumCacheMax = cacheMax });

    private string Thrown(Action call)
    {
        string message = Assert.Throws<TimeZoneNotFoundException>(call).Message;
        _source.OnRelease = null;
        return message;
    }

    [Theory]
    [InlineData("many")]
    [InlineData("pieces")]
    [InlineData("all")]
    public void What_the_import_threw_is_thrown_though_the_release_throws_too(string call)
    {
        using Arena<uint> arena = Make();
        _source.Answer = (size, _) => size > 10 ? null : _source.Imports < 2 ? (100 * (uint)_source.Imports, size)
            : throw new TimeZoneNotFoundException("import");
        _source.OnRelease = static (_, _) => throw new TimeZoneNotFoundException("release");
        Assert.Equal("import", Thrown(() => _ = call switch
        {
            "many" => arena.TryAllocateMany(10, new uint[5]),
            "all" => arena.TryAllocateMany(10, new uint[5], allOrNothing: true),
            _ => arena.TryAllocatePieces(40, new Segment<uint>[10], 10, out int count) ? count : 0,
        }));
        Assert.Equal((0u, 0u, 2), (arena.GetStatistics().InUse, arena.GetStatistics().TotalSize, _source.Releases));
        Assert.Empty(_source.Outstanding);
        arena.Validate();
    }

    /// <summary>Caches hold a range behind what is free, and all of an import. When they are empty there is room for what is asked, and the
    /// import goes back.</summary>
    [Theory]
    [InlineData("many")]
    [InlineData("pieces")]
    [InlineData("one")]
    public void What_was_taken_once_the_caches_were_empty_is_taken_back(string call)
    {
        using Arena<uint> arena = Make(cacheMax: 8);
        arena.AddSpan(0, 40);
        Assert.Equal(0u, arena.Allocate(32));
        uint[] cached = [arena.Allocate(8), arena.Allocate(8)];
        Assert.Equal(32u, cached[0]);
        Array.ForEach(cached, start => arena.Free(start, 8));
        arena.Free(0, 32);
        _source.Answer = static (_, _) => null;
        _source.OnRelease = static (_, _) => throw new TimeZoneNotFoundException("release");
        Assert.Equal("release", Thrown(() => Assert.True(Take())));
        Assert.Equal((0u, 40u), (arena.GetStatistics().InUse, arena.GetStatistics().TotalSize));
        arena.Validate();
        Assert.True(Take());
        Assert.Equal((40u, 0u), (arena.GetStatistics().InUse, arena.GetStatistics().Free));
        arena.Validate();

        bool Take() => call switch
        {
            "many" => arena.TryAllocateMany(20, new uint[2], allOrNothing: true) == 2,
            "one" => arena.TryAllocate(40, out _),
            _ => arena.TryAllocatePieces(40, new Segment<uint>[2], 1, out int count) && count == 1,
        };
    }

    /// <summary>While the source is asked somebody frees what is needed. So the answer goes back, and then what was taken; with it an
    /// import becomes empty.</summary>
    [Fact]
    public void Of_two_releases_that_throw_the_first_counts()
    {
        using Arena<uint> arena = Make();
        uint held = arena.Allocate(20);
        arena.Split(held, 20, held + 10);
        _source.Answer = (size, _) =>
        {
            _source.Answer = static (_, _) => null;
            arena.Free(held, 10);
            return (5_000, size);
        };
        _source.OnRelease = (start, _) =>
        {
            if (start == 5_000)
            {
                arena.Free(held + 10, 10);
            }

            throw new TimeZoneNotFoundException($"{start}");
        };
        Assert.Equal("5000", Thrown(() => _ = arena.TryAllocate(10, out _)));
        Assert.Equal((0u, 0u, 2), (arena.GetStatistics().InUse, arena.GetStatistics().TotalSize, _source.Releases));
        Assert.Empty(_source.Outstanding);
        arena.Validate();
    }
}
