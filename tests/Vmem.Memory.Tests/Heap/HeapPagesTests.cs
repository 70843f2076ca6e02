using Vmem.Memory.Budget;
using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Window;
using Vmem.Memory.Window;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>What a heap's space says of an address, and of its pages.</summary>
public sealed unsafe class HeapPagesTests : IDisposable
{
    private const nuint Page = 4_096;
    private const nuint Megabyte = 1 << 20;

    private readonly OwnWindow _own = new();
    private readonly HeapSpace _space;

    public HeapPagesTests() => _space = new HeapSpace(_own.Window, "mine", 100 * Megabyte, huge: false);

    public void Dispose()
    {
        _space.Dispose();
        _own.Dispose();
    }

    [Fact]
    public void An_address_is_this_heaps_or_anothers_or_nobodys()
    {
        using HeapSpace other = new(_own.Window, "other", 100 * Megabyte, huge: false);
        nuint mine = Take(_space, HeapSpace.Granule);
        nuint theirs = Take(other, HeapSpace.Granule);
        Assert.True(_space.Reserves(mine) && _space.Reserves(mine + HeapSpace.Granule) && !_space.Reserves(theirs) && !_space.Reserves(7));
        Assert.Equal((null, "other", null), (_space.OtherOwnerOf(mine), _space.OtherOwnerOf(theirs), _space.OtherOwnerOf(7)));
        Assert.True(_space.IsOf(_own.Window) && !_space.IsOf(AddressWindow.Shared));
        int record = 0;
        other.SetRecord(theirs, HeapSpace.Granule, 9, &record);
        Assert.Equal((9, 0), (other.ClassAt(theirs + 5), _space.ClassAt(theirs + 5)));
        Assert.True(other.RecordAt(theirs + 5, 9) == &record && other.RecordAt(theirs, 8) is null && _space.RecordAt(theirs, 9) is null);
        other.Runs.Set(theirs, 3);
        Assert.Equal((0, 0), (other.RunAt(theirs), _space.RunAt(theirs)));       // a slab is there
        other.ForgetRecord(theirs, HeapSpace.Granule);
        Assert.Equal((0, 3, 0), (other.ClassAt(theirs), other.RunAt(theirs), _space.RunAt(theirs)));
        Assert.True(other.RecordAt(theirs, 9) is null);
    }

    [Fact]
    public void Pages_that_were_allocated_are_found_by_any_of_their_addresses()
    {
        nuint start = Take(_space, 5 * Page);
        Assert.Equal((5 * Page, 0u, 0u), (_space.SizeAt(start), _space.SizeAt(start + Page), _space.SizeAt(start + (5 * Page))));
        Assert.True(_space.TryFind(start + (5 * Page) - 1, out Segment<nuint> found));
        Assert.Equal((start, 5 * Page), (found.Start, found.Size));
        Assert.False(_space.TryFind(start + (5 * Page), out _) || _space.TryFind(7, out _));
        _space.Free(start, 5 * Page);
        Assert.False(_space.TryFind(start, out _));
    }

    [Fact]
    public void Pages_become_more_and_fewer_where_they_lie()
    {
        nuint start = Take(_space, 5 * Page);
        Assert.True(_space.TryExtend(start, 5 * Page, 9 * Page));
        Assert.Equal((9 * Page, 9 * Page, 9 * Page), (_space.SizeAt(start), _space.HeldBytes, _space.DirtyBytes));
        Assert.True(_space.TryExtend(start, 9 * Page, 2 * Page));
        Assert.Equal((2 * Page, 2 * Page), (_space.SizeAt(start), _space.HeldBytes));
        Assert.Equal((9 * Page, 7 * Page), (_space.DirtyBytes, _space.FreeDirtyBytes));
        nuint next = Take(_space, Page);
        Assert.Equal(start + (2 * Page), next);
        Assert.False(_space.TryExtend(start, 2 * Page, 3 * Page));
        Assert.Equal((2 * Page, 3 * Page), (_space.SizeAt(start), _space.HeldBytes));
        Assert.False(_space.TryExtend(next, Page, 101 * Megabyte));
        Assert.Equal(Page, _space.SizeAt(next));
    }

    [Fact]
    public void Pages_that_the_budget_refuses_are_free_again()
    {
        MemoryBudget budget = new(10 * Megabyte);
        using AddressWindow window = new(budget);
        using HeapSpace space = new(window, "bounded", 0, huge: false);
        nuint start = Take(space, 9 * Megabyte);
        Assert.False(space.TryExtend(start, 9 * Megabyte, 11 * Megabyte) || space.TryAllocate(2 * Megabyte, 1, clear: false, out _, out _));
        Assert.Equal((9 * Megabyte, 9 * Megabyte, 2), (space.SizeAt(start), space.HeldBytes, space.Refusals));
        Assert.True(space.TryExtend(start, 9 * Megabyte, 10 * Megabyte));
        Assert.Equal((10 * Megabyte, 10 * Megabyte, 0u), (space.SizeAt(start), space.DirtyBytes, space.FreeDirtyBytes));
    }

    /// <summary>Fresh pages are, and those that were cleared. From 32 MiB on, pages that are dirty are exchanged for fresh ones
    /// instead.</summary>
    [Theory]
    [InlineData(12_288)]
    [InlineData(33_550_336)]
    [InlineData(33_554_432)]
    public void It_is_told_whether_pages_are_zero(int bytes)
    {
        nuint size = (nuint)bytes;
        Assert.True(_space.TryAllocate(size, 1, clear: false, out nuint start, out bool isZero) && isZero);
        *(byte*)(start + Page) = 1;
        _space.Free(start, size);
        Assert.True(_space.TryAllocate(size, 1, clear: false, out nuint again, out isZero) && again == start && !isZero);
        Assert.Equal(1, *(byte*)(start + Page));
        _space.Free(start, size);
        Assert.True(_space.TryAllocate(size, 1, clear: true, out again, out isZero) && again == start && isZero);
        Assert.Equal(0, *(byte*)(start + Page));
        Assert.Equal((size, size), (_space.DirtyBytes, _own.Budget.Charged));
        bool isFresh = size >= 32 * Megabyte;
        Assert.Equal(isFresh, VirtualMemory.GetResident((void*)start, size) < size);
    }

    [Fact]
    public void Without_pages_in_use_it_is_clean_and_empty_in_the_end()
    {
        Assert.True(_space.IsClean && _space.IsEmpty);
        nuint start = Take(_space, 3 * Page);
        Assert.False(_space.IsClean || _space.IsEmpty);
        _space.ReleaseEmpty();
        Assert.Equal(3 * Page, _space.SizeAt(start));
        _space.Free(start, 3 * Page);
        Assert.Equal((0u, 3 * Page), (_space.HeldBytes, _space.FreeDirtyBytes));
        Assert.Equal((0u, 3 * Page), (Discard(staleOnly: true), Discard(staleOnly: false)));
        Assert.True(_space.IsClean && !_space.IsEmpty && _space.DecommittedBytes == 3 * Page);
        _space.ReleaseEmpty();
        Assert.True(_space.IsEmpty && !_space.Reserves(start) && _own.Window.InUse == 0);
        _space.Restart();
        Assert.Equal(0u, _space.DecommittedBytes);
    }

    [Fact]
    public void Memory_that_went_elsewhere_is_neither_dirty_nor_charged()
    {
        nuint start = Take(_space, 8 * Page);
        _space.NoteEmpty(start, 8 * Page);
        Assert.Equal((0u, 0u, 8 * Page), (_space.DirtyBytes, _own.Budget.Charged, _space.HeldBytes));
        _space.NoteDiscarded(Page);
        Assert.Equal(9 * Page, _space.DecommittedBytes);
    }

    private nuint Discard(bool staleOnly) => _space.DiscardFree(staleOnly).Aggregate((nuint)0, static (sum, piece) => sum + piece);

    private static nuint Take(HeapSpace space, nuint size)
    {
        Assert.True(space.TryAllocate(size, 1, clear: false, out nuint start, out _));
        return start;
    }
}
