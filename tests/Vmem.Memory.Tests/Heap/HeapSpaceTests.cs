using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Window;
using Vmem.Memory.Window;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>A heap's pages, while their memory goes back.</summary>
public class HeapSpaceTests
{
    /// <summary>Free pages are taken out of circulation to be discarded, and are free all the same: whoever looks is told so, also at the
    /// very end.</summary>
    [Fact]
    public void Pages_that_are_only_being_discarded_are_not_found()
    {
        using HeapSpace space = new(AddressWindow.Shared, "discarding", 79 << 20, huge: false);
        Assert.True(space.TryAllocate(HeapSpace.PageSize, 1, clear: false, out nuint page, out _));
        space.Free(page, HeapSpace.PageSize);
        int turn = 0;                             // odd while the page is free
        int found = 0;
        Thread reader = new(() =>
        {
            for (int before = 0; before >= 0; before = Volatile.Read(ref turn))
            {
                found += (before & 1) != 0 && space.TryFind(page, out _) && Volatile.Read(ref turn) == before ? 1 : 0;
            }
        });
        reader.Start();
        for (int i = 0; i < 5_000; i++)
        {
            Assert.True(space.TryAllocate(HeapSpace.PageSize, 1, clear: false, out nuint start, out _) && start == page);
            space.Free(start, HeapSpace.PageSize);
            _ = Interlocked.Increment(ref turn);

            // More than the page if another heap left some.
            Assert.InRange(space.DiscardFree(staleOnly: false).Aggregate((sum, piece) => sum + piece), HeapSpace.PageSize, 2u << 20);
            _ = Interlocked.Increment(ref turn);
        }

        Volatile.Write(ref turn, int.MinValue);
        reader.Join();
        Assert.Equal(0, found);
    }

    /// <summary>Wherever it lies: some of its pages are dirty, and which is told by a bit for each.</summary>
    [Fact]
    public void A_slab_knows_which_of_its_pages_are_clean()
    {
        using OwnWindow own = new();
        using HeapSpace space = new(own.Window, "slabs", limit: 0, huge: false);
        nuint page = HeapSpace.PageSize;
        int count = (int)(HeapSpace.Granule / page);
        for (int granules = 1; granules <= 4; granules++)
        {
            for (int round = 0; round < 8; round++)
            {
                nuint size = (nuint)granules * HeapSpace.Granule;
                Assert.True(space.TryAllocateSlab(size, out nuint start, out ulong clean));
                Assert.Equal(ulong.MaxValue >> (64 - (granules * count)), clean);
                Assert.Equal(size, own.Window.CountDirty(start, size));
                nuint charged = own.Budget.Charged;
                nuint dirty = space.DirtyBytes;
                space.NoteClean(start + page, size - (2 * page));
                Assert.Equal(size - (2 * page), charged - own.Budget.Charged);
                Assert.Equal(size - (2 * page), dirty - space.DirtyBytes);
                space.Free(start, size);
                Assert.True(space.TryAllocateSlab(size, out nuint again, out ulong partly) && again == start);
                Assert.Equal(clean & ~1ul & ~(1ul << ((granules * count) - 1)), partly);
                Assert.Equal((charged, dirty), (own.Budget.Charged, space.DirtyBytes));
            }
        }
    }

    /// <summary>Another thread wants pages that lie otherwise: that it looks at these must not make anybody fail.</summary>
    [Fact]
    public void Pages_that_are_free_are_there_while_another_wants_aligned_ones()
    {
        using HeapSpace space = new(AddressWindow.Shared, "aligned", 81 << 20, huge: false);
        nuint size = HeapSpace.Granule;
        Assert.True(space.TryAllocate(space.Size, 1, clear: false, out nuint all, out _));
        Assert.True(space.TryExtend(all, space.Size, size + HeapSpace.PageSize));
        Assert.True(space.TryAllocate(space.Size - (3 * size), 1, clear: false, out nuint rest, out _));
        Assert.True(space.TryExtend(all, size + HeapSpace.PageSize, HeapSpace.PageSize) && rest == all + size + HeapSpace.PageSize);
        Assert.True(space.TryAllocate((2 * size) - HeapSpace.PageSize, 1, clear: false, out _, out _));
        bool isOver = false;
        int met = 0;
        Thread[] others = [.. Enumerable.Range(0, 3).Select(number => new Thread(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                met += space.TryAllocate(size, size, clear: false, out _, out _) ? 1 : 0;
            }
        }))];
        Array.ForEach(others, other => other.Start());
        int refused = 0;
        for (int i = 0; i < 100_000; i++)
        {
            if (space.TryAllocate(size, 1, clear: false, out nuint start, out _))
            {
                space.Free(start, size);
            }
            else
            {
                refused++;
            }
        }

        Volatile.Write(ref isOver, true);
        Array.ForEach(others, other => other.Join());
        Assert.Equal((0, 0), (met, refused));
    }
}
