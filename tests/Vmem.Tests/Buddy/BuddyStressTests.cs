using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Buddy;

/// <summary>Several threads on one allocator; each marks what it holds in an array that all share.</summary>
public class BuddyStressTests
{
    [Fact]
    public async Task Threads_never_get_the_same_block()
    {
        const int threads = 4;
        BuddyAllocator<uint> allocator = new(100, 20_011, 1, 4_096);
        var owners = new int[20_111];
        var ready = new Barrier(threads);
        long[] allocations = await Task.WhenAll(Enumerable.Range(1, threads).Select(id => Task.Factory.StartNew(
            () =>
            {
                ready.SignalAndWait();
                return Work(allocator, owners, id);
            },
            TaskCreationOptions.LongRunning)));
        allocator.Validate();
        BuddyStatistics<uint> figures = allocator.GetStatistics();
        Assert.Equal((0u, 0L, allocations.Sum()), (figures.InUse, figures.LiveBlocks, figures.Allocations));
        Assert.All(owners, owner => Assert.Equal(0, owner));
    }

    private static long Work(BuddyAllocator<uint> allocator, int[] owners, int id)
    {
        SeededRandom random = new((ulong)id);
        List<uint> held = [];
        long allocations = 0;
        for (int i = 0; i < Night.Scaled(30_000); i++)
        {
            if (random.Below(2) == 0 && held.Count < 200)
            {
                if (allocator.TryAllocate((uint)(1 + random.Below(60)), out uint start))
                {
                    Mark(allocator, owners, start, 0, id);
                    held.Add(start);
                    allocations++;
                }
            }
            else if (held.Count > 0)
            {
                int index = random.Below(held.Count);
                Release(held[index]);
                held[index] = held[^1];
                held.RemoveAt(held.Count - 1);
            }

            if (i % 5_000 == 0)
            {
                Assert.Equal(20_011L, allocator.GetFragments().Sum(fragment => fragment.Size));
            }
        }

        held.ForEach(Release);
        return allocations;

        void Release(uint start)
        {
            Mark(allocator, owners, start, id, 0);
            allocator.Free(start);
        }
    }

    private static void Mark(BuddyAllocator<uint> allocator, int[] owners, uint start, int from, int to)
    {
        uint end = start + allocator.GetBlockSize(start);
        for (uint value = start; value < end; value++)
        {
            Assert.Equal(from, Interlocked.Exchange(ref owners[value], to));
        }
    }
}
