using Vmem.Memory.Heap;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>What heaps leave to the next is not kept for long.</summary>
public class ReservationPoolTests
{
    private const nuint Megabyte = 1 << 20;

    [Fact]
    public void A_reservation_goes_back_in_time_whoever_else_comes_and_goes()
    {
        ManualTime time = new();
        ReservationPool pool = new(time);
        pool.Leave(HeapReservation.Take(71 * Megabyte, huge: false));
        HeapReservation? busy = HeapReservation.Take(73 * Megabyte, huge: false);
        for (TimeSpan passed = default; passed < 3 * ReservationPool.Patience; passed += ReservationPool.Patience / 2)
        {
            pool.Leave(busy);
            time.Advance(ReservationPool.Patience / 2);
            Assert.True(pool.TryTake(73 * Megabyte, huge: false, out busy));
        }

        Assert.False(pool.TryTake(71 * Megabyte, huge: false, out _), "It is still there.");
        pool.Leave(busy);
        time.Advance(2 * ReservationPool.Patience);
        Assert.Equal((false, 0), (pool.ReleaseAll(), time.Timers));
    }

    [Fact]
    public void Only_so_many_are_kept_and_none_when_memory_is_short()
    {
        ReservationPool pool = new(new ManualTime());
        for (int i = 0; i < 2 * ReservationPool.Most; i++)
        {
            pool.Leave(HeapReservation.Take((nuint)(75 + i) * Megabyte, huge: false));
        }

        Assert.True(pool.TryTake(75 * Megabyte, huge: false, out HeapReservation? kept));
        Assert.False(pool.TryTake((75 + ReservationPool.Most) * Megabyte, huge: false, out _));
        kept.Release();
        Assert.True(pool.ReleaseAll());
        Assert.False(pool.TryTake(76 * Megabyte, huge: false, out _));
    }
}
