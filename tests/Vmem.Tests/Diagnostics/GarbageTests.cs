using Vmem.Testing.Internals;
using Xunit;

namespace Vmem.Tests.Diagnostics;

/// <summary>After warm-up no call allocates managed memory, whatever the policy, with and without the lock.</summary>
public class GarbageTests
{
    private const int Rounds = 2_000;

    public static TheoryData<FitPolicy, bool> Cases
    {
        get
        {
            TheoryData<FitPolicy, bool> cases = [];
            foreach (FitPolicy policy in Enum.GetValues<FitPolicy>())
            {
                cases.Add(policy, true);
                cases.Add(policy, false);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void No_call_makes_garbage(FitPolicy policy, bool singleThreaded)
    {
        using Arena<ulong> arena = new("clean", 0, 1 << 20, 16, new ArenaOptions<ulong> { Policy = policy, SingleThreaded = singleThreaded });
        Scatter(arena);
        ulong[] starts = new ulong[16];
        AssertClean(() =>
        {
            ulong start = arena.Allocate(100);
            arena.Free(start, 100);
            arena.TryAllocate(64, out start);
            arena.TryExtend(start, 64, 16);
            arena.Free(start, 16);
            arena.TryAllocateConstrained(
                50,
                new() { Align = 256, Phase = 16, NoCross = 4_096, Min = 1_000, Max = 900_000 },
                policy,
                out start);
            arena.FreeConstrained(start, 50);
            arena.TryAllocateHandle(100, out RangeHandle<ulong> handle);
            arena.Free(handle);
            arena.FreeMany(starts.AsSpan(0, arena.TryAllocateMany(48, starts)), 48);
            arena.TryAllocate(1 << 21, out _);
        });
    }

    /// <summary>Requests that fail empty all caches, and make no garbage either; and each free after them finds a magazine again.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void No_call_of_a_cached_arena_makes_garbage(bool singleThreaded)
    {
        using Arena<ulong> arena =
            new("clean", 0, 1 << 20, 16, new ArenaOptions<ulong> { QuantumCacheMax = 128, SingleThreaded = singleThreaded });
        Scatter(arena);
        ulong[] starts = new ulong[200];
        AssertClean(() =>
        {
            ulong start = arena.Allocate(100);
            arena.Free(start, 100);
            for (int i = 0; i < starts.Length; i++)
            {
                arena.TryAllocate(64, out starts[i]);
            }

            for (int i = 0; i < starts.Length; i++)
            {
                arena.Free(starts[i], 64);
            }

            arena.FreeMany(starts.AsSpan(0, arena.TryAllocateMany(48, starts)), 48);
            arena.TryAllocate(1 << 20, out _);
            arena.TryAllocate(30, out start);
            arena.TryExtend(start, 30, 20);
            arena.Free(start, 20);
        });
    }

    [Theory]
    [InlineData(0ul)]
    [InlineData(64ul)]
    public void No_question_makes_garbage(ulong cacheMax)
    {
        using Arena<ulong> arena = new("clean", 0, 1 << 20, 16, new ArenaOptions<ulong> { QuantumCacheMax = cacheMax });
        Scatter(arena);
        AssertClean(() =>
        {
            arena.Contains(5_000);
            arena.TryGetSegment(5_000, out _);
            arena.GetStatistics();
            arena.Explain(10_000, new() { Align = 1_024 });
        });
    }

    [Fact]
    public void An_import_that_comes_and_goes_makes_no_garbage()
    {
        using Arena<ulong> parent = new("parent", 0, 1 << 20, 64);
        using Arena<ulong> arena = new("child", 16, new ArenaOptions<ulong> { Source = parent });
        AssertClean(() =>
        {
            ulong one = arena.Allocate(64);
            ulong two = arena.Allocate(64);
            arena.Free(one, 64);
            arena.Free(two, 64);
        });
    }

    /// <summary>Many free segments of many sizes, so that every search has something to search.</summary>
    private static void Scatter(Arena<ulong> arena)
    {
        List<ulong> starts = [];
        for (int i = 0; i < 1_000; i++)
        {
            starts.Add(arena.Allocate((ulong)(16 * (1 + (i % 13)))));
        }

        for (int i = 0; i < 1_000; i += 2)
        {
            arena.Free(starts[i], (ulong)(16 * (1 + (i % 13))));
        }
    }

    private static void AssertClean(Action round) => Assert.Equal(0, Garbage.Of(Rounds, round));
}
