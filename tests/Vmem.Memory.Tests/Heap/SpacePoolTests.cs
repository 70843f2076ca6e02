using Vmem.Memory.Heap;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>What heaps leave to the next is not kept for long.</summary>
public class SpacePoolTests
{
    private const nuint Megabyte = 1 << 20;

    [Fact]
    public void A_space_goes_back_in_time_whoever_else_comes_and_goes()
    {
        ManualTime time = new();
        SpacePool pool = new(time);
        pool.Leave(HeapSpace.Take(71 * Megabyte));
        HeapSpace? busy = HeapSpace.Take(73 * Megabyte);
        for (TimeSpan passed = default; passed < 3 * SpacePool.Patience; passed += SpacePool.Patience / 2)
        {
            pool.Leave(busy);
            time.Advance(SpacePool.Patience / 2);
            Assert.True(pool.TryTake(73 * Megabyte, out busy));
        }

        Assert.False(pool.TryTake(71 * Megabyte, out _), "It is still there.");
        pool.Leave(busy);
        time.Advance(2 * SpacePool.Patience);
        Assert.Equal((false, 0), (pool.ReleaseAll(), time.Timers));
    }

    [Fact]
    public void Only_so_many_are_kept_and_none_when_memory_is_short()
    {
        SpacePool pool = new(new ManualTime());
        for (int i = 0; i < 2 * SpacePool.MostSpaces; i++)
        {
            pool.Leave(HeapSpace.Take((nuint)(75 + i) * Megabyte));
        }

        Assert.True(pool.TryTake(75 * Megabyte, out HeapSpace? kept));
        Assert.False(pool.TryTake((75 + SpacePool.MostSpaces) * Megabyte, out _));
        kept.Release();
        Assert.True(pool.ReleaseAll());
        Assert.False(pool.TryTake(76 * Megabyte, out _));
    }
}
