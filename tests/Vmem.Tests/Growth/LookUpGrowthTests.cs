using Vmem.Checks;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Growth;

/// <summary>What is found by a value that no table knows takes few steps, and a long way is made in steps of bounded length.</summary>
public sealed class LookUpGrowthTests
{
    private const int Segments = 200_000;

    /// <summary>The longest way from one milestone to the next, the probes of the table and the levels of the trees, and as much
    /// again.</summary>
    private const int Few = 60;

    /// <summary>All that one look-up may walk, if nobody has looked before: once each segment.</summary>
    private const int Once = Segments + Few;

    public static TheoryData<string> Calls => ["Free", "FreeConstrained", "TryExtend", "inside", "wrong free", "wrong size"];

    [Theory]
    [MemberData(nameof(Calls))]
    public void A_range_of_a_handle_is_found_by_its_address(string call)
    {
        using Arena<ulong> arena = new("handles", 0, 64 * Segments, 1, new ArenaOptions<ulong> { SingleThreaded = true });
        RangeHandle<ulong>[] handles = Fill(arena);
        SeededRandom random = new(1);
        long total = 0;
        long worst = 0;
        const int calls = 5_000;
        for (int i = 0; i < calls; i++)
        {
            int which = random.Below(Segments);
            while (handles[which] == default)
            {
                which = random.Below(Segments);
            }

            _ = StepCounter.Take();
            Call(arena, call, ref handles[which]);
            long steps = StepCounter.Take();
            total += steps;
            worst = Math.Max(worst, steps);
        }

        // The first ones walk past everything once, in all.
        Assert.True(total <= Once + (calls * Few), $"{calls} calls took {total} steps");
        Assert.True(worst <= Once, $"one call took {worst} steps");
        arena.Validate();
    }

    [Fact]
    public void A_free_by_handle_looks_nothing_up_whatever_is_live()
    {
        Assert.InRange(WorstFree(1_000, byHandle: false), 1, Few);          // what is counted
        Assert.Equal(0, WorstFree(1_000, byHandle: true));
        Assert.Equal(0, WorstFree(Segments, byHandle: true));

        static long WorstFree(int count, bool byHandle)
        {
            using Arena<ulong> arena = new("handles", 0, (ulong)count, 1, new ArenaOptions<ulong> { SingleThreaded = true });
            RangeHandle<ulong>[] handles = new RangeHandle<ulong>[count];
            for (int i = 0; i < count; i++)
            {
                Assert.True(byHandle ? arena.TryAllocateHandle(1, out handles[i]) : arena.TryAllocateAt((ulong)i, 1));
            }

            long worst = 0;
            for (int i = 0; i < 900; i++)
            {
                int which = (int)((i * 7_919L) % count);
                _ = StepCounter.Take();
                if (byHandle)
                {
                    arena.Free(handles[which]);
                }
                else
                {
                    arena.Free((ulong)which, 1);
                }

                worst = Math.Max(worst, StepCounter.Take());
            }

            return worst;
        }
    }

    /// <summary>What look-ups have left behind costs allocations and frees nothing, and is right whatever happens meanwhile.</summary>
    [Fact]
    public void A_look_up_makes_no_change_dearer()
    {
        using Arena<ulong> arena = new("handles", 0, 64 * Segments, 1, new ArenaOptions<ulong> { SingleThreaded = true });
        RangeHandle<ulong>[] handles = Fill(arena);
        SeededRandom random = new(2);
        long before = Churn(arena, handles, random);
        for (int i = 0; i < 1_000; i++)
        {
            Assert.True(arena.TryGetSegment((ulong)random.Below(64 * Segments), out _));
        }

        long after = Churn(arena, handles, random);
        Assert.True(after <= before * 1.1, $"{before} steps, after a look-up {after}");
        foreach (RangeHandle<ulong> handle in handles)
        {
            Assert.True(arena.TryGetSegment(handle.Start + handle.Size - 1, out Segment<ulong> segment));
            Assert.Equal(new Segment<ulong>(handle.Start, handle.Size, SegmentKind.Allocated), segment);
        }

        long bytes = arena.GetStatistics().BookkeepingBytes;
        arena.Reap();
        Assert.True(bytes - arena.GetStatistics().BookkeepingBytes > Segments / 4, "Look-ups leave nothing behind, or it stays.");
    }

    private static void Call(Arena<ulong> arena, string call, ref RangeHandle<ulong> handle)
    {
        RangeHandle<ulong> mine = handle;
        switch (call)
        {
            case "Free":
                arena.Free(mine.Start, mine.Size);
                handle = default;
                break;
            case "FreeConstrained":
                arena.FreeConstrained(mine.Start, mine.Size);
                handle = default;
                break;
            case "TryExtend":
                Assert.True(arena.TryExtend(mine.Start, mine.Size, mine.Size));
                break;
            case "inside":
                Assert.True(arena.TryGetSegment(mine.Start + mine.Size - 1, out Segment<ulong> segment) && segment.Start == mine.Start);
                break;
            case "wrong free":
                Assert.Equal(InvalidFreeReason.InteriorAddress,
                    Assert.Throws<InvalidFreeException>(() => arena.Free(mine.Start + 1, 1)).Reason);
                break;
            default:
                Assert.Equal(InvalidFreeReason.WrongSize,
                    Assert.Throws<InvalidFreeException>(() => arena.Free(mine.Start, mine.Size + 1)).Reason);
                break;
        }
    }

    private static long Churn(Arena<ulong> arena, RangeHandle<ulong>[] handles, SeededRandom random)
    {
        _ = StepCounter.Take();
        for (int i = 0; i < 50_000; i++)
        {
            ref RangeHandle<ulong> handle = ref handles[random.Below(Segments)];
            arena.Free(handle);
            Assert.True(arena.TryAllocateHandle(2 + (ulong)random.Below(60), out handle));
        }

        return StepCounter.Take();
    }

    private static RangeHandle<ulong>[] Fill(Arena<ulong> arena)
    {
        SeededRandom random = new(3);
        var handles = new RangeHandle<ulong>[Segments];
        for (int i = 0; i < Segments; i++)
        {
            Assert.True(arena.TryAllocateHandle(2 + (ulong)random.Below(60), out handles[i]));
        }

        return handles;
    }
}
