using Vmem.Recording;
using Xunit;

namespace Vmem.Tests.Recording;

/// <summary>What a ring of records counts as lost.</summary>
public class RecordRingTests
{
    private const int Capacity = 16;

    [Fact]
    public void What_a_full_ring_turns_away_is_counted_until_it_is_closed()
    {
        RecordRing<uint> ring = Full();
        Assert.Equal((0L, false), (ring.Lost, ring.IsBehind));
        Add(ring);
        Add(ring);
        Assert.Equal((2L, true), (ring.Lost, ring.IsBehind));
        ring.Close();
        Add(ring);
        Assert.Equal((2L, false), (ring.Lost, ring.IsBehind));
        ring.Close();
        Assert.Equal(2L, ring.Lost);
    }

    [Fact]
    public void A_ring_that_is_closed_in_time_has_lost_nothing()
    {
        RecordRing<uint> ring = Full();
        ring.Close();
        Add(ring);
        Assert.Equal((0L, false), (ring.Lost, ring.IsBehind));
        ring.Reopen();
        Add(ring);
        Assert.Equal(0L, ring.Lost);
    }

    /// <summary>The recorder writes the last gap when the ring is closed. More threads than processors are stopped anywhere on their
    /// way.</summary>
    [Fact]
    public void Nothing_is_counted_after_the_ring_is_closed()
    {
        for (int round = 0; round < 20; round++)
        {
            RecordRing<uint> ring = Full();
            using ManualResetEventSlim isTold = new(initialState: false);
            Thread[] threads = [.. Enumerable.Range(0, 4 * Environment.ProcessorCount).Select(_ => new Thread(() =>
            {
                while (!isTold.IsSet)
                {
                    Add(ring);
                }
            }))];
            Array.ForEach(threads, static thread => thread.Start());
            SpinWait.SpinUntil(() => ring.Lost > 1_000);
            ring.Close();
            long told = ring.Lost;
            isTold.Set();
            Array.ForEach(threads, static thread => thread.Join());
            Assert.Equal(told, ring.Lost);
        }
    }

    private static RecordRing<uint> Full()
    {
        RecordRing<uint> ring = new(Capacity, TimeSpan.Zero);
        for (int i = 0; i < Capacity; i++)
        {
            Add(ring);
        }

        return ring;
    }

    private static void Add(RecordRing<uint> ring) => ring.Add(RecordKind.Allocate, 1, 1, tag: 0);
}
