using Xunit;

namespace Vmem.Tests.Allocation;

/// <summary>The words for each mistake of a free: what is there instead, and of which of several ranges.</summary>
public class WrongFreeWordsTests
{
    [Fact]
    public void What_is_there_instead_is_named()
    {
        using Arena<uint> arena = new("words", 0, 100, 1);
        arena.AddSpan(200, 10);
        Assert.True(arena.TryAllocateAt(0, 30) && arena.TryAllocateAt(50, 10) && arena.TryAllocateAt(70, 5) && arena.TryAllocateAt(205, 1));
        arena.FreeAt(70, 5, fence: 1);
        Assert.True(arena.TryDrainSpan(200));
        Check(InvalidFreeReason.NotAllocated, 500, 10, "500 is in no span of it.");
        Check(InvalidFreeReason.AlreadyFree, 35, 1, "35 is free: it lies in a free segment of 20 at 30.");
        Check(InvalidFreeReason.AlreadyFree, 71, 1, "71 rests: it lies in a range of 5 at 70 that was freed before");
        Check(InvalidFreeReason.AlreadyFree, 201, 1, "201 is free: it lies in 5 at 200 that nobody holds, in a span that drains.");
        Check(InvalidFreeReason.InteriorAddress, 51, 9, "51 lies inside an allocation of 10 at 50.");
        Check(InvalidFreeReason.WrongSize, 50, 9, "The allocation at 50 has size 10.");
        arena.Free(50, 10);

        void Check(InvalidFreeReason reason, uint start, uint size, string words)
        {
            Refused(reason, $"asked to free {size} at {start}. {words}", () => arena.Free(start, size));
            string withoutSize = reason == InvalidFreeReason.WrongSize ? "" : words;
            if (withoutSize.Length > 0)
            {
                Refused(reason, $"asked to free what begins at {start}. {words}", () => arena.Free(start));
            }
        }
    }

    [Fact]
    public void What_lies_in_a_slab_is_named()
    {
        using Arena<uint> arena = new("slabs", 0, 1_024, 1, new ArenaOptions<uint> { QuantumCacheMax = 8 });
        uint start = arena.Allocate(4);
        Assert.Equal(0u, start);
        Refused(InvalidFreeReason.AlreadyFree, "4 is free: it lies in a slab of the quantum caches.", () => arena.FreeConstrained(4, 4));
        Refused(InvalidFreeReason.AlreadyFree, "what begins at 8. 8 is free: it lies in a slab", () => arena.Free(8u));
        Refused(InvalidFreeReason.InteriorAddress, "1 lies inside a range of 4 at 0.", () => arena.FreeConstrained(1, 3));
        Refused(InvalidFreeReason.InteriorAddress, "what begins at 3. 3 lies inside a range of 4 at 0.", () => arena.Free(3u));
        Refused(InvalidFreeReason.WrongSize, "The range at 0 has size 4.", () => arena.FreeConstrained(0, 5));
        Assert.True(arena.IsAllocated(0) && !arena.IsAllocated(1) && !arena.IsAllocated(4));
        arena.Free(0u);
        Assert.Equal(0u, arena.GetStatistics().InUse);
        arena.Validate();
    }

    [Fact]
    public void The_range_of_a_batch_that_is_wrong_is_counted()
    {
        using Arena<uint> arena = new("batch", 0, 100, 1);
        uint[] starts = [arena.Allocate(5), arena.Allocate(5), arena.Allocate(5)];
        Assert.True(arena.TryAllocateHandle(5, out RangeHandle<uint> handle));
        Refused(InvalidFreeReason.AlreadyFree, "Range 2 of 3: it appears twice.",
            () => arena.FreeMany([starts[0], starts[1], starts[0]], 5));
        Refused(InvalidFreeReason.OtherOwner, "Range 1 of 2: it belongs to a handle; free it by that.",
            () => arena.FreeMany([starts[0], handle.Start], 5));
        Refused(InvalidFreeReason.NotAllocated, "Range 1 of 2:", () => arena.FreeMany([starts[0], 500], 5));
        Refused(InvalidFreeReason.AlreadyFree, "Range 0 of 1:", () => arena.FreeMany([50], 5));
        Assert.Equal(20u, arena.GetStatistics().InUse);
        arena.FreeMany(starts, 5);
        arena.Free(handle);
        Refused(InvalidFreeReason.AlreadyFree, "The handle is stale", () => arena.Free(handle));
        Refused(InvalidFreeReason.NotAllocated, "The handle is the default one", () => arena.Free(default(RangeHandle<uint>)));
        Refused(InvalidFreeReason.AlreadyFree, "Handle 0 of 1, which may appear twice: ", () => arena.FreeMany([handle]));
    }

    [Fact]
    public void An_audit_names_the_call_that_goes_with_the_one_that_allocated()
    {
        using Arena<uint> arena = new("audited", 0, 100, 1, new ArenaOptions<uint> { Audit = true });
        uint constrained = arena.AllocateConstrained(10, new() { Min = 50 });
        uint plain = arena.Allocate(10);
        Refused(InvalidFreeReason.WrongSize, "has size 10", () => arena.Free(constrained, 9));
        Refused(InvalidFreeReason.WrongCall, "it is freed with FreeConstrained, not with Free.", () => arena.Free(constrained, 10));
        Refused(InvalidFreeReason.WrongCall, "it is freed with Free, not with FreeConstrained.", () => arena.FreeConstrained(plain, 10));
        arena.FreeConstrained(constrained, 10);
        arena.Free(plain, 10);
    }

    private static void Refused(InvalidFreeReason reason, string words, Action free)
    {
        InvalidFreeException refused = Assert.Throws<InvalidFreeException>(free);
        Assert.Contains(words, refused.Message, StringComparison.Ordinal);
        Assert.Equal(reason, refused.Reason);
    }
}
