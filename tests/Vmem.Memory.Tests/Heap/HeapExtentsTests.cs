using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Platform;
using Vmem.Memory.Tests.Window;
using Vmem.Memory.Window;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>How long a heap's extents are, and what is counted of their pages.</summary>
public sealed class HeapExtentsTests : IDisposable
{
    private const nuint Megabyte = 1 << 20;
    private const nuint Unit = CommitMap.Unit;
    private const nuint Page = 4_096;

    private readonly OwnWindow _own = new();

    public void Dispose() => _own.Dispose();

    /// <summary>A unit first, for heaps that stay small. The next are as long as all so far, but at least 64 MiB and at most 1
    /// GiB.</summary>
    [Fact]
    public void The_first_extent_is_short_and_the_next_are_long()
    {
        HeapExtents extents = NewExtents(limit: 0);
        nuint taken = Import(extents, HeapSpace.Granule);
        Assert.Equal(Unit, taken);
        foreach (nuint asked in (nuint[])[Page, 100 * Megabyte, Page, Page, Page, Page, 1_500 * Megabyte, Page])
        {
            nuint expected = nuint.Max(asked, nuint.Clamp(taken, 64 * Megabyte, 1_024 * Megabyte));
            Assert.Equal(expected, Import(extents, asked));
            taken += expected;
        }
    }

    [Fact]
    public void A_first_request_that_is_longer_than_a_slab_shows_that_the_heap_is_not_small()
    {
        Assert.Equal(64 * Megabyte, Import(NewExtents(limit: 0), HeapSpace.Granule + Page));
        Assert.Equal(70 * Megabyte, Import(NewExtents(limit: 0), 70 * Megabyte));
    }

    /// <summary>Never more than the limit, rounded down to pages, though extents are whole units.</summary>
    [Fact]
    public void A_heap_with_a_limit_has_all_of_it_with_its_second_extent()
    {
        HeapExtents extents = NewExtents(limit: (5 * Megabyte) + 5_000);
        Assert.Equal((5 * Megabyte) + Page, extents.Limit);
        Assert.Equal(Unit, Import(extents, Page));
        Assert.Equal(0u, Import(extents, extents.Limit - Unit + Page));
        Assert.Equal(extents.Limit - Unit, Import(extents, Page));
        Assert.Equal(0u, Import(extents, Page));
        Assert.Equal(Page, NewExtents(limit: 1).Limit);
        Assert.Equal(Page, Import(NewExtents(limit: 1), Page));
    }

    [Fact]
    public void A_limit_above_a_gibibyte_is_not_taken_at_once()
    {
        HeapExtents extents = NewExtents(limit: 1_100 * Megabyte);
        Assert.Equal(Unit, Import(extents, Page));
        Assert.Equal(64 * Megabyte, Import(extents, Page));
        Assert.Equal(66 * Megabyte, Import(extents, Page));
        Assert.Equal(968 * Megabyte, Import(extents, Page));      // the rest: it is less than that now
    }

    [Fact]
    public void What_a_heap_may_use_of_the_address_space_is_its_limit_or_all_that_is_reserved()
    {
        AddressWindow window = _own.Window;
        Assert.Equal(window.Reserved, HeapExtents.ReservedFor(window, 0));
        Assert.Equal((5 * Megabyte) + Page, HeapExtents.ReservedFor(window, (5 * Megabyte) + 5_000));
        Assert.Equal(Page, HeapExtents.ReservedFor(window, 1));
        Assert.Equal(window.Size - Page, HeapExtents.ReservedFor(window, window.Size - 1));
        Assert.Equal(window.Reserved, HeapExtents.ReservedFor(window, window.Size));
        Assert.Equal(window.Reserved, HeapExtents.ReservedFor(window, nuint.MaxValue));
    }

    [Fact]
    public void A_limit_of_a_gibibyte_is_taken_at_once()
    {
        Assert.Equal(1_024 * Megabyte, Import(NewExtents(limit: 1_024 * Megabyte), HeapSpace.Granule + Page));
        Assert.Equal(64 * Megabyte, Import(NewExtents(limit: (1_024 * Megabyte) + Page), HeapSpace.Granule + Page));
    }

    /// <summary>With huge pages the advice ends; of a debugged heap nobody may touch what it had.</summary>
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void An_extent_of_a_heap_that_is_sealed_or_has_huge_pages_goes_back_decommitted(bool huge, bool isSealed)
    {
        HeapExtents extents = new(_own.Window, "sealed", 2 * Megabyte, huge, isSealed);
        Assert.Equal(huge, extents.IsHuge);
        Assert.True(TryImport(extents, 2 * Megabyte, out nuint start, out nuint size));
        Assert.True(extents.TryCommit(start, 3 * Page) && extents.Mark(start, 3 * Page, clear: false));
        ((IArenaSource<nuint>)extents).Release(start, size);
        Assert.Equal((0u, 0u, 0u, 3 * Page), (extents.Committed, extents.Dirty, _own.Budget.Charged, extents.Decommitted));
        Assert.True(extents.IsEmpty);
        HeapExtents second = NewExtents(limit: 2 * Megabyte);
        Assert.True(TryImport(second, 2 * Megabyte, out nuint again, out _) && again == start);
        Assert.Equal((0u, 0u), (second.Dirty, second.Committed));
        Assert.True(second.TryCommit(start, Page) && second.Mark(start, Page, clear: false));
    }

    [Fact]
    public void An_extent_that_went_back_can_be_taken_again()
    {
        HeapExtents extents = NewExtents(limit: 3 * Megabyte);
        nuint inUse = _own.Window.InUse;
        Assert.True(extents.IsEmpty);
        Assert.True(TryImport(extents, 3 * Megabyte, out nuint start, out nuint imported) && imported == 3 * Megabyte);
        Assert.Equal(4 * Megabyte, _own.Window.InUse - inUse);
        Assert.Equal(extents.Owner, _own.Window.Table.EntryAt(start) >> GranuleTable.OwnerShift);
        Assert.False(extents.IsEmpty || TryImport(extents, Page, out _, out _));
        ((IArenaSource<nuint>)extents).Release(start, imported);
        Assert.True(extents.IsEmpty);
        Assert.Equal((inUse, 0u), (_own.Window.InUse, _own.Window.Table.EntryAt(start)));
        Assert.Equal(3 * Megabyte, Import(extents, 3 * Megabyte));
    }

    /// <summary>It is the window's as soon as it goes, and the heap may be the first to ask for it. Here the call that gives it back waits
    /// for the window's gate then.</summary>
    [Fact]
    public void An_extent_can_be_taken_again_while_the_call_that_gave_it_back_goes_on()
    {
        HeapExtents extents = NewExtents(limit: 0);
        Assert.True(TryImport(extents, 64 * Megabyte, out nuint start, out nuint size) && extents.TryCommit(start, Page));
        Thread release = new(() => ((IArenaSource<nuint>)extents).Release(start, size));
        GateOf(_own.Window).Enter();
        Exception? thrown = Record.Exception(() =>
        {
            release.Start();
            SecondThread.Settle(release);
            Assert.True(TryImport(extents, 64 * Megabyte, out nuint again, out nuint taken) && (again, taken) == (start, size));
        });
        GateOf(_own.Window).Exit();
        release.Join();
        Assert.Null(thrown);
        Assert.Equal((false, size), (extents.IsEmpty, _own.Window.InUse));
        ((IArenaSource<nuint>)extents).Release(start, size);
        Assert.Equal((true, 0u), (extents.IsEmpty, _own.Window.InUse));
    }

    [Fact]
    public void Only_an_alignment_is_heard_and_more_than_the_budget_is_refused()
    {
        HeapExtents extents = NewExtents(limit: 0);
        IArenaSource<nuint> source = extents;
        Assert.False(source.TryImport(Page, new RangeConstraints<nuint> { Min = 5 * Page }, out _, out _));
        Assert.True(source.TryImport(Page, new RangeConstraints<nuint> { Align = 16 * Megabyte }, out nuint start, out _));
        Assert.Equal(0u, start % (16 * Megabyte));
        MemoryBudget budget = new(10 * Megabyte);
        using AddressWindow window = new(budget);
        HeapExtents bounded = new(window, "bounded", limit: 0, huge: false, isSealed: false);
        Assert.Equal((0u, 64 * Megabyte), (Import(bounded, (10 * Megabyte) + Page), Import(bounded, 10 * Megabyte)));
    }

    [Fact]
    public void Pages_that_are_committed_and_marked_are_counted()
    {
        HeapExtents extents = NewExtents(limit: 0);
        Assert.True(TryImport(extents, 3 * Unit, out nuint start, out _));
        nuint size = Unit + Page;
        Assert.True(extents.TryCommit(start, size));
        Assert.Equal((2 * Unit, 0u, size), (extents.Committed, extents.Dirty, _own.Budget.Charged));
        Assert.True(extents.Mark(start, size, clear: false));
        Assert.Equal((size, size), (extents.Dirty, extents.Fresh));
        Assert.True(extents.TryCommit(start, size) && !extents.Mark(start, size, clear: false));
        Assert.Equal((2 * Unit, size, size, size), (extents.Committed, extents.Dirty, extents.Fresh, _own.Budget.Charged));
        extents.NoteClean(Page);
        Assert.Equal((Unit, Unit), (extents.Dirty, extents.Fresh));
        extents.Note(new FreePages.Return(Discarded: Unit, Decommitted: Unit));
        Assert.Equal((Unit, 0u, 0u, Unit), (extents.Committed, extents.Dirty, extents.Fresh, extents.Decommitted));
        extents.NoteDiscarded(Page);
        Assert.Equal(Unit + Page, extents.Decommitted);
        extents.Restart();
        Assert.Equal((0u, 0), (extents.Decommitted, extents.Refusals));
    }

    [Fact]
    public void A_refusal_by_the_budget_is_counted_and_takes_nothing()
    {
        MemoryBudget budget = new(10 * Megabyte);
        using AddressWindow window = new(budget);
        HeapExtents extents = new(window, "bounded", limit: 0, huge: false, isSealed: false);
        Assert.True(TryImport(extents, 10 * Megabyte, out nuint start, out _));
        Assert.True(extents.TryCommit(start, 9 * Megabyte));
        Assert.False(extents.TryCommit(start + (9 * Megabyte), 2 * Megabyte));
        Assert.Equal((1, 9 * Megabyte), (extents.Refusals, budget.Charged));
        Assert.True(extents.TryCommit(start + (9 * Megabyte), Megabyte));
        Assert.Equal((1, 10 * Megabyte), (extents.Refusals, budget.Charged));
    }

    /// <summary>Pages that another heap left dirty are dirty, but not this heap's; of what is clean again, they come first.</summary>
    [Fact]
    public void What_another_heap_left_dirty_is_not_fresh()
    {
        HeapExtents first = NewExtents(limit: 2 * Megabyte);
        Assert.True(TryImport(first, 2 * Megabyte, out nuint start, out nuint size));
        Assert.True(first.TryCommit(start, 3 * Page) && first.Mark(start, 3 * Page, clear: false));
        ((IArenaSource<nuint>)first).Release(start, size);
        Assert.Equal((0u, 0u, 0u), (first.Dirty, first.Fresh, first.Committed));
        HeapExtents second = NewExtents(limit: 2 * Megabyte);
        Assert.True(TryImport(second, 2 * Megabyte, out nuint again, out _) && again == start);
        Assert.Equal((3 * Page, 0u, Unit), (second.Dirty, second.Fresh, second.Committed));
        Assert.True(second.TryCommit(start, 5 * Page) && !second.Mark(start, 5 * Page, clear: false));
        Assert.Equal((5 * Page, 2 * Page), (second.Dirty, second.Fresh));
        second.NoteClean(2 * Page);
        Assert.Equal((3 * Page, 2 * Page), (second.Dirty, second.Fresh));
        second.NoteClean(2 * Page);
        Assert.Equal((Page, Page), (second.Dirty, second.Fresh));
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_gate")]
    private static extern ref Gate GateOf(AddressWindow window);

    private HeapExtents NewExtents(nuint limit) => new(_own.Window, "extents", limit, huge: false, isSealed: false);

    private static bool TryImport(HeapExtents extents, nuint size, out nuint start, out nuint imported) =>
        ((IArenaSource<nuint>)extents).TryImport(size, default, out start, out imported);

    /// <summary>How much came; 0 for nothing.</summary>
    private static nuint Import(HeapExtents extents, nuint size) => TryImport(extents, size, out _, out nuint imported) ? imported : 0;
}
