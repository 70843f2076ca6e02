using Vmem.Checks;
using Xunit;

namespace Vmem.Tests.Growth;

/// <summary>Instant fit under constraints is met from the free lists: without an index, which would make every later operation
/// dearer.</summary>
public sealed class ListedPlaceTests
{
    /// <summary>Looks, and what carving takes.</summary>
    private const int Bound = 60;

    public static TheoryData<int, ulong, bool> Requests
    {
        get
        {
            TheoryData<int, ulong, bool> data = [];
            foreach (int live in (int[])[1_000, 10_000, 100_000])
            {
                data.Add(live, 0, true);
                data.Add(live, 64, false);
                data.Add(live, 64, true);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Requests))]
    public void Half_of_a_churned_arena_as_a_window_needs_no_index(int live, ulong align, bool isWindow)
    {
        ulong capacity = 65 * (ulong)live;
        var random = new Random(live);
        using Arena<ulong> arena = Churned(live, capacity, random);
        RangeConstraints<ulong> constraints = new()
        {
            Align = align,
            Min = isWindow ? capacity / 4 : 0,
            Max = isWindow ? capacity / 4 * 3 : 0,
        };
        long bytes = arena.GetStatistics().BookkeepingBytes;
        long pairs = Pairs(arena);
        long total = 0;
        for (int i = 0; i < 1_000; i++)
        {
            ulong size = 1 + (ulong)random.Next(64);
            _ = StepCounter.Take();
            Assert.True(arena.TryAllocateConstrained(size, constraints, out ulong start));
            long steps = StepCounter.Take();
            total += steps;
            Assert.True(steps <= Bound, $"{steps} steps");
            arena.Free(start, size);
        }

        Assert.True(total <= 10_000, $"{total} steps for 1,000 requests");
        Assert.True(arena.GetStatistics().BookkeepingBytes <= bytes + 1_024, "There is an index.");
        Assert.InRange(Pairs(arena), 0, pairs * 21 / 20);
        arena.Validate();
    }

    /// <summary>All holes have one size, and so are in one list.</summary>
    [Fact]
    public void One_list_is_looked_through_further()
    {
        using Arena<ulong> arena = new("ids", 0, 100_000, 1);
        for (ulong id = 0; id < 100_000; id++)
        {
            Assert.Equal(id, arena.Allocate(1));
        }

        long bytes = arena.GetStatistics().BookkeepingBytes;
        for (ulong id = 0; id < 60; id += 2)
        {
            arena.Free(id == 0 ? 70_000 : id, 1);            // the one in the window is freed first, and is the last of the list
        }

        Assert.Equal(70_000ul, arena.AllocateConstrained(1, new() { Min = 50_000, Max = 80_000 }));
        Assert.Equal(bytes, arena.GetStatistics().BookkeepingBytes);
    }

    /// <summary>The rest of the arena reaches into the window; the many holes do not.</summary>
    [Fact]
    public void The_longest_is_looked_at()
    {
        using Arena<ulong> arena = new("rest", 0, 1ul << 40, 1);
        var random = new Random(1);
        List<(ulong Start, ulong Size)> live = [];
        for (int i = 0; i < 10_000; i++)
        {
            ulong size = 1 + (ulong)random.Next(1_000);
            live.Add((arena.Allocate(size), size));
        }

        for (int i = 0; i < 10_000; i += 2)
        {
            arena.Free(live[i].Start, live[i].Size);
        }

        long bytes = arena.GetStatistics().BookkeepingBytes;
        Assert.Equal(1ul << 39, arena.AllocateConstrained(10, new() { Min = 1ul << 39 }));
        Assert.InRange(arena.GetStatistics().BookkeepingBytes, bytes, bytes + 1_024);
    }

    /// <summary>What no look finds, the index finds.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(64)]
    public void The_only_place_is_found(ulong align)
    {
        using Arena<ulong> arena = new("one place", 0, 1_280_000, 1);
        for (ulong start = 0; start < 1_280_000; start += 128)
        {
            Assert.Equal(start, arena.Allocate(100));
            Assert.Equal(start + 100, arena.Allocate(28));
        }

        arena.Free(1_000 * 128, 100);
        for (ulong i = 0; i < 10_000; i += i == 999 ? 2u : 1u)
        {
            arena.Free(i * 128, 100);                        // a free list is last in, first out: the place is the last of it
        }

        RangeConstraints<ulong> constraints = new() { Align = align, Min = 999 * 128 + 100, Max = 1_001 * 128 };
        Assert.Equal(1_000ul * 128, arena.AllocateConstrained(100, constraints));
        Assert.False(arena.TryAllocateConstrained(100, constraints, out _));
        arena.Validate();
    }

    private static Arena<ulong> Churned(int live, ulong capacity, Random random)
    {
        Arena<ulong> arena = new("churned", 0, capacity, 1, new() { SingleThreaded = true });
        var ranges = new (ulong Start, ulong Size)[live];
        for (int i = 0; i < live * 4; i++)
        {
            int replaced = i < live ? i : random.Next(live);
            if (i >= live)
            {
                arena.Free(ranges[replaced].Start, ranges[replaced].Size);
            }

            ulong size = 1 + (ulong)random.Next(64);
            ranges[replaced] = (arena.Allocate(size), size);
        }

        return arena;
    }

    private static long Pairs(Arena<ulong> arena)
    {
        _ = StepCounter.Take();
        for (ulong i = 0; i < 1_000; i++)
        {
            ulong size = 1 + (i * 7 % 64);
            arena.Free(arena.Allocate(size), size);
        }

        return StepCounter.Take();
    }
}
