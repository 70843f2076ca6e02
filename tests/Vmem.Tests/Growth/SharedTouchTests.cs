using Vmem.Checks;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Growth;

/// <summary>How often a thread touches what all threads write: it enters a lock, or changes a shared word. That is what keeps many
/// processors from working side by side, and it can be counted on two (docs/performance.md, "On paper").</summary>
/// <remarks>The bounds are twice what was counted, and half of it; or the exact number where there is one. Clocks stand still, so that no
/// upkeep takes magazines away meanwhile.</remarks>
public sealed class SharedTouchTests(ITestOutputHelper output)
{
    private const int Operations = 100_000;

    private readonly ArenaOptions<uint> _cached = new() { QuantumCacheMax = 8, TimeProvider = new ManualTime() };

    [Fact]
    public void An_arena_enters_its_lock_once_an_operation()
    {
        using Arena<uint> arena = new("plain", 0, 1 << 20, 1);
        Check("arena, pair", Count(() => arena.Free(arena.Allocate(3), 3)), 2, 2);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public void A_cached_pair_touches_nothing_that_is_shared(uint size)
    {
        using Arena<uint> arena = new("cached", 0, 1 << 20, 1, _cached);
        Warm(() => arena.Free(arena.Allocate(size), size));
        Check("cached arena, pair", Count(() => arena.Free(arena.Allocate(size), size)), 0, 0);
    }

    [Fact]
    public void Cached_ranges_replaced_at_random_touch_the_depot_seldom()
    {
        using Arena<uint> arena = new("cached", 0, 1 << 20, 1, _cached);
        Random random = new(1);
        var ranges = new (uint Start, uint Size)[1_000];
        for (int i = 0; i < ranges.Length; i++)
        {
            ranges[i] = (arena.Allocate(1), 1);
        }

        void Replace()
        {
            ref (uint Start, uint Size) range = ref ranges[random.Next(ranges.Length)];
            arena.Free(range.Start, range.Size);
            uint size = (uint)random.Next(1, 9);
            range = (arena.Allocate(size), size);
        }

        Warm(Replace);
        Check("cached arena, mix", Count(Replace), 0.003, 0.012);
    }

    [Theory]
    [InlineData(1, 0, 0)]
    [InlineData(8, 0, 0)]
    [InlineData(100, 0.05, 0.2)]
    public void Objects_come_from_magazines(int held, double least, double most)
    {
        using ObjectCache<object> cache = new("objects", static () => new object(), options: new() { TimeProvider = new ManualTime() });
        var objects = new object[held];
        void Burst()
        {
            foreach (ref object item in objects.AsSpan())
            {
                item = cache.Rent();
            }

            foreach (object item in objects)
            {
                cache.Return(item);
            }
        }

        Warm(Burst);
        Check($"object cache, {held}", Count(Burst) / held, least, most);
    }

    private static void Warm(Action operation)
    {
        for (int i = 0; i < Operations; i++)
        {
            operation();
        }
    }

    private static long Count(Action operation)
    {
        _ = StepCounter.TakeShared();
        for (int i = 0; i < Operations; i++)
        {
            operation();
        }

        return StepCounter.TakeShared();
    }

    private void Check(string what, long touches, double least, double most)
    {
        output.WriteLine($"{what}: {(double)touches / Operations:0.0000} touches an operation");
        Assert.InRange((double)touches / Operations, least, most);
    }
}
