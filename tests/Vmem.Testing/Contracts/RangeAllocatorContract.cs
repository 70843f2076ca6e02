using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Testing.Contracts;

/// <summary>What every allocator of ranges must do. An allocator's tests inherit this and say how to make one.</summary>
public abstract class RangeAllocatorContract
{
    private const int Steps = 2_000;

    /// <summary>A fresh allocator of 500 to 100,000 addresses.</summary>
    protected abstract IRangeAllocator Create();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Live_ranges_lie_inside_and_never_overlap(int seed) => Churn(seed, (allocator, live, start, size) =>
    {
        long last = start + allocator.Rounded(size) - 1;
        Assert.InRange(start, allocator.First, allocator.Last);
        Assert.InRange(last, start, allocator.Last);
        int place = ~live.Keys.ToList().BinarySearch(start);
        Assert.True(place >= 0, $"{start} was handed out twice");
        Assert.True(place == 0 || End(live, place - 1, allocator) < start, $"{start} lies in the range before it");
        Assert.True(place == live.Count || last < live.Keys[place], $"the range at {start} reaches into the next one");
    });

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public void A_request_fails_only_if_nothing_fits(int seed)
    {
        int refusals = 0;
        Churn(seed, (_, _, _, _) => { }, (allocator, live, size) =>
        {
            Assert.False(allocator.CouldFit(size, [.. live.Select(range => (range.Key, allocator.Rounded(range.Value)))]), $"{size} would have fitted");
            Assert.True(allocator.LargestFree < size, $"{size} was refused, and {allocator.LargestFree} is said to be free");
            refusals++;
        });
        Assert.True(refusals > 20, "too few requests failed to show anything");
    }

    [Fact]
    public void The_largest_request_that_could_be_met_is_met()
    {
        Churn(6, (allocator, live, _, _) =>
        {
            if (live.Count % 5 == 0 && allocator.LargestFree is var largest and > 0)
            {
                Assert.True(allocator.TryAllocate(largest, out long start));
                allocator.Free(start, largest);
            }
        });
    }

    [Fact]
    public void Wrong_frees_are_refused_and_change_nothing()
    {
        IRangeAllocator allocator = Create();
        Assert.True(allocator.TryAllocate(1, out long one));
        Assert.True(allocator.TryAllocate(40, out long range));
        long largest = allocator.LargestFree;
        long inside = range + (allocator.Rounded(40) / 2);
        Assert.Equal(InvalidFreeReason.InteriorAddress, Assert.Throws<InvalidFreeException>(() => allocator.Free(inside, 40)).Reason);
        Assert.Equal(
            InvalidFreeReason.NotAllocated,
            Assert.Throws<InvalidFreeException>(() => allocator.Free(allocator.Last + 1, 40)).Reason);
        if (allocator.First > 0)
        {
            Assert.Equal(
                InvalidFreeReason.NotAllocated,
                Assert.Throws<InvalidFreeException>(() => allocator.Free(allocator.First - 1, 40)).Reason);
        }

        allocator.Validate();
        Assert.Equal(largest, allocator.LargestFree);
        allocator.Free(range, 40);
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => allocator.Free(range, 40)).Reason);
        allocator.Validate();
        allocator.Free(one, 1);
        allocator.Validate();
    }

    [Fact]
    public void With_everything_freed_it_is_as_new()
    {
        IRangeAllocator fresh = Create();
        IRangeAllocator used = Create();
        Assert.Equal(fresh.LargestFree, used.LargestFree);
        Churn(7, used, (_, _, _, _) => { }, (_, _, _) => { }, freeAll: true);
        Assert.Equal(fresh.LargestFree, used.LargestFree);
        Assert.Equal(Fill(fresh), Fill(used));
    }

    private static int Fill(IRangeAllocator allocator)
    {
        int count = 0;
        while (allocator.TryAllocate(3, out _))
        {
            count++;
        }

        return count;
    }

    private static long End(SortedList<long, long> live, int index, IRangeAllocator allocator) =>
        live.Keys[index] + allocator.Rounded(live.Values[index]) - 1;

    private void Churn(
        int seed,
        Action<IRangeAllocator, SortedList<long, long>, long, long> allocated,
        Action<IRangeAllocator, SortedList<long, long>, long>? refused = null) =>
        Churn(seed, Create(), allocated, refused ?? ((_, _, _) => { }), freeAll: true);

    /// <summary>Random requests and frees, more of the former while less than most is live.</summary>
    private static void Churn(
        int seed,
        IRangeAllocator allocator,
        Action<IRangeAllocator, SortedList<long, long>, long, long> allocated,
        Action<IRangeAllocator, SortedList<long, long>, long> refused,
        bool freeAll)
    {
        SeededRandom random = new((ulong)seed);
        SortedList<long, long> live = [];
        int length = (int)(allocator.Last - allocator.First);
        for (int step = 0; step < Steps; step++)
        {
            long size = 1 + random.Below(random.Below(20) == 0 ? length / 4 : 60);
            if (random.Below(100) >= 60 && live.Count > 0)
            {
                int index = random.Below(live.Count);
                allocator.Free(live.Keys[index], live.Values[index]);
                live.RemoveAt(index);
            }
            else if (allocator.TryAllocate(size, out long start))
            {
                allocated(allocator, live, start, size);
                live.Add(start, size);
            }
            else
            {
                refused(allocator, live, size);
            }

            if (step % 64 == 0)
            {
                allocator.Validate();
            }
        }

        foreach ((long start, long size) in freeAll ? live : [])
        {
            allocator.Free(start, size);
        }

        allocator.Validate();
    }
}
