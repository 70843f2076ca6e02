using Vmem.Checks;
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

    private static void AssertOnly(Arena<uint> arena, uint held)
    {
        Assert.Equal([new Segment<uint>(held, Held, SegmentKind.Allocated)],
            arena.GetSegments().Where(static segment => segment.Kind == SegmentKind.Allocated));
        Assert.Equal((Held, 1), (arena.GetStatistics().InUse, arena.GetStatistics().LiveSegments));
        arena.Validate();
        arena.Free(held, Held);
        arena.Validate();
    }
}
