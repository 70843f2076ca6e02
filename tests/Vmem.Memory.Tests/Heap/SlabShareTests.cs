using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Window;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Which classes get slabs where a heap comes near its limit.</summary>
public sealed class SlabShareTests : IDisposable
{
    private const nuint Megabyte = 1 << 20;
    private const nuint Slab = HeapSpace.Granule;
    private const nuint Scarce = (nuint)SizeClasses.Count * Slab;

    private readonly OwnWindow _own = new();

    public void Dispose() => _own.Dispose();

    [Fact]
    public void While_there_is_room_for_a_slab_of_each_class_everyone_gets_one()
    {
        using HeapSpace space = new(_own.Window, "share", Scarce + Slab, huge: false);
        using StarterArena starter = new(space);
        SlabShare share = new(space, new LargeBlocks(space, hasRuns: false), starter);
        Assert.True(share.Allows(sizeClass: 5, Slab, inSlabs: 0));
        Assert.True(space.TryAllocate(Slab, 1, clear: false, out _, out _));
        Assert.True(share.Allows(sizeClass: 5, Slab, inSlabs: 0));
        Assert.True(space.TryAllocate(HeapSpace.PageSize, 1, clear: false, out _, out _));
        Assert.False(share.Allows(sizeClass: 5, Slab, inSlabs: 0));
    }

    /// <summary>Of 4 MiB 1 MiB is in small blocks: a class that has a 48th of these gets the 48th part of 3 MiB, which is a slab.</summary>
    [Fact]
    public void Then_one_gets_a_slab_if_so_much_of_the_room_is_its_share()
    {
        using HeapSpace space = new(_own.Window, "share", 4 * Megabyte, huge: false);
        using StarterArena starter = new(space);
        LargeBlocks large = new(space, hasRuns: false);
        SlabShare share = new(space, large, starter);
        Assert.True(space.TryAllocate(Megabyte, 1, clear: false, out _, out _));
        nuint least = (Megabyte + 47) / 48;
        Assert.Equal((false, true), (share.Allows(5, Slab, least - 1), share.Allows(5, Slab, least)));
        Assert.Equal((false, true), (share.Allows(5, 2 * Slab, (2 * least) - 2), share.Allows(5, 2 * Slab, 2 * least)));

        // A large block takes of the room, and is none of the small blocks.
        Assert.NotEqual(0u, large.Take(Megabyte, 1, clear: false, out _));
        least = (Megabyte + 31) / 32;
        Assert.Equal((false, true), (share.Allows(5, Slab, least - 1), share.Allows(5, Slab, least)));
    }

    [Fact]
    public void What_a_class_had_from_the_starter_arena_counts()
    {
        using HeapSpace space = new(_own.Window, "share", 4 * Megabyte, huge: false);
        using StarterArena starter = new(space);
        SlabShare share = new(space, new LargeBlocks(space, hasRuns: false), starter);
        int sizeClass = SizeClasses.Of(64);
        Assert.True(starter.TryTake(sizeClass, 1, out nuint block) && starter.TryTake(sizeClass, 1, out _) && starter.TryFree(block));
        Assert.Equal((128u, 0u), (starter.TakenBytes(sizeClass), starter.TakenBytes(sizeClass + 1)));
        nuint room = (4 * Megabyte) - Slab;
        nuint least = (nuint)((((ulong)Slab * Slab) + room - 1) / room);
        Assert.Equal((false, true), (share.Allows(sizeClass, Slab, least - 129), share.Allows(sizeClass, Slab, least - 128)));
        Assert.Equal((false, true), (share.Allows(sizeClass + 1, Slab, least - 1), share.Allows(sizeClass + 1, Slab, least)));
    }

    /// <summary>It counts what is out of its slabs: 64 KiB, when the first is used up.</summary>
    [Fact]
    public void A_class_gets_its_second_slab_only_as_its_share()
    {
        using HeapSpace space = new(_own.Window, "share", 4 * Megabyte, huge: false);
        using StarterArena starter = new(space);
        SlabRecords records = new();
        SlabShare share = new(space, new LargeBlocks(space, hasRuns: false), starter);
        SlabClass slabs = new(space, states: null, records, SizeClasses.Of(4_096), share);
        nuint[] blocks = new nuint[SizeClasses.MostRounds];
        Assert.Equal(16, slabs.Take(blocks, 16));
        Assert.True(space.TryAllocate(2 * Megabyte, 1, clear: false, out nuint start, out _));
        Assert.True(space.TryAllocate(Megabyte, 1, clear: false, out nuint other, out _));
        Assert.Equal(0, slabs.Take(blocks, 1));
        space.Free(start, 2 * Megabyte);
        space.Free(other, Megabyte);
        Assert.Equal(1, slabs.Take(blocks, 1));
        slabs.Dispose();
        records.Dispose();
    }
}
