using Xunit;

namespace Vmem.Tests.Claiming;

/// <summary>Parts of ranges that were taken together, of one range that is cut again and again, and of ranges that are far to
/// find.</summary>
public sealed class PartsOfManyTests
{
    private const uint Many = 3_000;

    [Fact]
    public void Ranges_that_were_taken_together_are_cut_and_resized_like_others()
    {
        using Arena<uint> arena = new("together", 0, 100, 1);
        uint[] starts = new uint[10];
        Assert.Equal(10, arena.TryAllocateMany(4, starts, allOrNothing: true));
        foreach (uint start in starts)
        {
            arena.Split(start, 4, start + 2);
            arena.Free(start + 2, 2);
            Assert.True(arena.TryExtend(start, 2, 3));
            arena.Free(start);
        }

        Assert.True(arena.TryAllocateAt(50, 10));
        Segment<uint>[] pieces = new Segment<uint>[2];
        Assert.True(arena.TryAllocatePieces(90, pieces, 1, out int count));
        Assert.Equal(2, count);
        foreach (Segment<uint> piece in pieces)
        {
            arena.Split(piece.Start, piece.Size, piece.Start + 1);
            arena.Free(piece.Start);
            arena.Free(piece.Start + 1, piece.Size - 1);
        }

        Assert.Equal(10u, arena.GetStatistics().InUse);
        arena.Validate();
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void A_range_is_cut_as_often_as_it_is_long(bool tagged, bool audit)
    {
        using Arena<uint> arena = new("cut", 0, Many, 1, new ArenaOptions<uint> { Tagged = tagged, Audit = audit });
        Assert.Equal(0u, arena.AllocateConstrained(Many, new() { Tag = tagged ? 7u : 0 }));
        for (uint start = 0; start < Many - 1; start++)
        {
            arena.Split(start, Many - start, start + 1);
        }

        Assert.Equal((Many, Many), ((uint)arena.GetStatistics().LiveSegments, arena.GetStatistics().InUse));
        arena.Validate();
        Assert.All(arena.GetSegments().Where(segment => segment.Kind == SegmentKind.Allocated),
            segment => Assert.Equal((1u, tagged ? 7u : 0), (segment.Size, (uint)segment.Tag)));
    }

    /// <summary>What handles hold is in no table: it takes steps from the span's beginning.</summary>
    [Fact]
    public void Ranges_of_handles_are_found_by_address_however_far_they_are()
    {
        const uint Handles = 20_000;
        using Arena<uint> arena = new("far", 0, 4 * (Handles + 10), 1);
        for (uint i = 0; i < Handles; i++)
        {
            Assert.True(arena.TryAllocateHandle(4, FitPolicy.FirstFit, out RangeHandle<uint> handle));
            Assert.Equal(4 * i, handle.Start);
        }

        uint start = 4 * (Handles - 7);
        arena.Split(start, 4, start + 2);
        arena.FreePart(start - 4_000, 4, start - 4_000, 2);
        Assert.True(arena.TryMove(start - 8_000, 4, 4 * (Handles + 1)));
        arena.Free(start - 12_000);
        Assert.True(arena.IsAllocated(start - 16_000) && !arena.IsAllocated(start - 12_000));
        arena.Free(start + 2, 2);
        Assert.Equal((4 * Handles) - 8, arena.GetStatistics().InUse);
        Assert.True(arena.TryAllocateAt(start - 4_000, 2) && arena.TryAllocateAt(start - 8_000, 4));
        Assert.True(arena.TryAllocateAt(start - 12_000, 4));
        arena.Validate();
    }

    /// <summary>The caller is trusted: the magazines look at nothing but the size.</summary>
    [Fact]
    public void The_first_part_of_what_a_handle_holds_stays_out_of_magazines_that_ask_nothing()
    {
        using Arena<uint> arena = new("trusting", 0, 1_024, 1, new ArenaOptions<uint> { QuantumCacheMax = 8, TrustCaller = true });
        uint[] cached = [arena.Allocate(5), arena.Allocate(5)];
        Array.ForEach(cached, start => arena.Free(start, 5));
        Assert.True(arena.TryAllocateHandle(30, out RangeHandle<uint> handle));
        Assert.NotEqual(0u, handle.Start);
        arena.Split(handle.Start, 30, handle.Start + 5);
        arena.Free(handle.Start + 5, 25);
        arena.Free(handle.Start, 5);
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => arena.Free(handle)).Reason);
        Assert.Equal(0u, arena.GetStatistics().InUse);
        arena.Validate();
    }
}
