using Vmem.Checks;
using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Arguments;

/// <summary>What a call was given, or gives, changes in the middle of it. What it undoes is what it has done, whatever stands there
/// now.</summary>
public class ChangingArgumentTests
{
    private const uint Held = 1;                  // at the very end, another caller's

    [Fact]
    public void A_batch_that_fails_midway_gives_back_what_it_took()
    {
        using Arena<uint> arena = new("batch", 0, 1 << 20, 1);
        uint held = arena.Allocate(Held, FitPolicy.LastFit);
        uint[] starts = new uint[100_000];
        using (FaultAt(10, () => starts[0] = held))
        {
            Assert.Throws<InsufficientMemoryException>(() => arena.TryAllocateMany(Held, starts, allOrNothing: true));
        }

        AssertOnly(arena, held);
    }

    [Fact]
    public void A_batch_that_fails_midway_survives_a_start_where_nothing_is()
    {
        using Arena<uint> arena = new("batch", 0, 1 << 20, 1);
        uint held = arena.Allocate(Held, FitPolicy.LastFit);
        uint[] starts = new uint[100_000];
        using (FaultAt(10, () => starts[0] = held - 5))
        {
            Assert.Throws<InsufficientMemoryException>(() => arena.TryAllocateMany(Held, starts, allOrNothing: true));
        }

        AssertOnly(arena, held);
    }

    [Fact]
    public void Pieces_that_fail_midway_are_given_back()
    {
        const uint spans = 5_000;
        using Arena<uint> arena = new("pieces", 1);
        for (uint i = 0; i < spans; i++)
        {
            arena.AddSpan(i * 10, 1);
        }

        uint held = arena.Allocate(Held, FitPolicy.LastFit);
        var pieces = new Segment<uint>[spans];
        Assert.True(arena.TryAllocatePieces(2, pieces, 1, out int count));     // the index by size is there now
        Array.ForEach(pieces[..count], piece => arena.Free(piece.Start, piece.Size));
        using (FaultAt(4, () => pieces[0] = new Segment<uint>(held, Held, SegmentKind.Allocated)))
        {
            Assert.Throws<InsufficientMemoryException>(() => arena.TryAllocatePieces(spans - 1, pieces, 1, out _));
        }

        AssertOnly(arena, held);
    }

    /// <summary>The source writes another caller's range into what the call has filled so far. Then it throws, or has no more.</summary>
    [Theory]
    [InlineData("many", 0u, true)]
    [InlineData("many", 16u, true)]
    [InlineData("all", 0u, true)]
    [InlineData("all", 0u, false)]
    [InlineData("all", 16u, false)]
    [InlineData("pieces", 0u, true)]
    [InlineData("pieces", 0u, false)]
    public void What_a_source_writes_there_meanwhile_is_not_given_back(string call, uint cacheMax, bool throws)
    {
        const uint size = 10;
        ScriptedSource<uint> source = TestSources.Ascending(1u, 1_024u);
        ImportAnswer<uint> good = source.Answer;
        using Arena<uint> arena = new("asks", 1, new ArenaOptions<uint> { Source = source, QuantumCacheMax = cacheMax });
        arena.AddSpan(0, size);
        uint held = arena.Allocate(size);
        var starts = new uint[1_000];
        var pieces = new Segment<uint>[100];
        source.Answer = (wanted, constraints) =>
        {
            if (call == "pieces" && wanted > size)
            {
                return null;
            }

            if (source.Imports < 2)
            {
                return good(wanted, constraints);
            }

            starts[0] = held;
            pieces[0] = new Segment<uint>(held, size, SegmentKind.Allocated);
            return throws ? throw new TimeZoneNotFoundException("of the source's own") : null;
        };
        long taken = 0;
        Exception? thrown = Record.Exception(() => taken = call switch
        {
            "many" => arena.TryAllocateMany(size, starts),
            "all" => arena.TryAllocateMany(size, starts, allOrNothing: true),
            _ => arena.TryAllocatePieces(50 * size, pieces, size, out int count) ? count : 0,
        });
        Assert.Equal((throws, 0), (thrown is TimeZoneNotFoundException, taken));
        Assert.Equal(2, source.Imports);
        AssertOnly(arena, held, size);
    }

    /// <summary>Another thread changes a handle all the time; the last one is stale, so nothing is freed, and each handle holds what it
    /// held.</summary>
    [Fact]
    public void Handles_of_a_batch_that_is_refused_stay_good()
    {
        using Arena<uint> arena = new("handles", 0, 1_000, 1);
        Assert.True(arena.TryAllocateHandle(10, out RangeHandle<uint> one));
        Assert.True(arena.TryAllocateHandle(10, out RangeHandle<uint> two));
        Assert.True(arena.TryAllocateHandle(10, out RangeHandle<uint> stale));
        arena.Free(stale);
        RangeHandle<uint>[] handles = [one, stale];
        bool isDone = false;
        Thread changing = new(() =>
        {
            while (!Volatile.Read(ref isDone))
            {
                handles[0] = two;
                handles[0] = one;
            }
        });
        changing.Start();
        try
        {
            for (int i = 0; i < 50_000; i++)
            {
                Assert.Throws<InvalidFreeException>(() => arena.FreeMany(handles));
            }
        }
        finally
        {
            Volatile.Write(ref isDone, true);
            changing.Join();
        }

        arena.Free(one);
        arena.Free(two);
        arena.Validate();
    }

    /// <summary>Memory runs out at the n-th growth of a table, and the caller's memory changes just before.</summary>
    private static IDisposable FaultAt(int growth, Action change)
    {
        int growths = 0;
        return GrowthFault.Inject(() =>
        {
            bool isDue = ++growths == growth;
            if (isDue)
            {
                change();
            }

            return isDue;
        });
    }

    private static void AssertOnly(Arena<uint> arena, uint held, uint size = Held)
    {
        Assert.Equal([new Segment<uint>(held, size, SegmentKind.Allocated)],
            arena.GetSegments().Where(static segment => segment.Kind == SegmentKind.Allocated));
        Assert.Equal((size, 1), (arena.GetStatistics().InUse, arena.GetStatistics().LiveSegments));
        arena.Validate();
        arena.Free(held, size);
        arena.Validate();
    }
}
