using Vmem.Memory.Tests.Heap;
using Vmem.Memory.Tests.Platform;
using Vmem.Memory.Window;
using Vmem.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Window;

/// <summary>The address space that all heaps share.</summary>
[Collection(Footprint.Collection)]
public unsafe class AddressWindowTests
{
    private const nuint Unit = CommitMap.Unit;

    [Fact]
    public void Without_address_space_there_is_no_window()
    {
        using SystemCallFault fault = SystemCallFault.Inject(call => call == SystemCall.Reserve);
        Assert.ThrowsAny<OutOfMemoryException>(() => NewWindow());
        Assert.True(fault.Failed > 0);
    }

    /// <summary>Every system call of its making fails once: nothing stays, and the next is made.</summary>
    [Fact]
    public void A_window_that_could_not_be_made_leaves_nothing_behind()
    {
        long before = ProcessMap.TotalSize;
        int failures = 0;
        for (int nth = 1, calls = 0; failures == nth - 1; nth++, calls = 0)
        {
            using SystemCallFault fault = SystemCallFault.Inject(call =>
                call is SystemCall.Reserve or SystemCall.Commit && ++calls >= nth);
            try
            {
                NewWindow().Dispose();
            }
            catch (OutOfMemoryException)
            {
                failures++;
            }
        }

        Assert.True(failures >= 3, $"{failures} failed.");
        Assert.InRange(ProcessMap.TotalSize - before, -(1L << 30), 1L << 30);
    }

    /// <summary>What one has left, with the memory in it, is the next one's.</summary>
    [Fact]
    public void An_extent_that_was_left_is_taken_again()
    {
        using AddressWindow window = NewWindow();
        Assert.True(window.TryTake(3 * Unit, 1, out nuint start, out nuint dirty) && dirty == 0);
        Assert.True(window.Commits.TryCommit(start, Unit, huge: false, out nuint fresh) && fresh == Unit);
        Assert.True(window.Budget.TryCharge(40_960));
        Assert.True(window.Dirty.Mark(start, 40_960, clear: false, out nuint marked) && marked == 40_960);
        new Span<byte>((void*)start, 40_960).Fill(1);
        Assert.Equal(40_960u, window.Release(start, 3 * Unit));
        Assert.Equal(40_960u, window.FreeDirty);
        Assert.True(window.TryTake(Unit, 1, out nuint again, out dirty));
        Assert.Equal((start, 40_960u, 0u), (again, dirty, window.FreeDirty));
        Assert.Equal(Unit, window.Commits.Count(again, Unit));
        Assert.False(window.Dirty.Mark(again, 8_192, clear: true, out fresh) && fresh > 0);
        Assert.True(Pattern.IsZero((void*)again, 8_192));
        _ = window.Release(again, Unit);
        Assert.Equal(new FreePages.Return(40_960, Unit), window.Discard(staleOnly: false));
        Assert.Equal((0u, 0u, 0u), (window.FreeDirty, window.Commits.Bytes, window.InUse));
        window.Validate();
    }

    /// <summary>Beyond 64 MiB nothing is kept for the next heap.</summary>
    [Fact]
    public void Too_much_dirty_memory_goes_back_at_once()
    {
        using AddressWindow window = NewWindow();
        const nuint Size = 40 << 20;
        Assert.True(window.TryTake(Size, 1, out nuint first, out _));
        Assert.True(window.TryTake(Size, 1, out nuint second, out _));
        foreach (nuint start in (nuint[])[first, second])
        {
            Assert.True(window.Commits.TryCommit(start, Size, huge: false, out _));
            Assert.True(window.Budget.TryCharge(Size));
            _ = window.Dirty.Mark(start, Size, clear: false, out _);
        }

        _ = window.Release(first, Size);
        Assert.Equal((Size, 2 * Size), (window.FreeDirty, window.Commits.Bytes));
        _ = window.Release(second, Size);
        Assert.Equal((0u, 0u), (window.FreeDirty, window.Commits.Bytes));
    }

    /// <summary>A request that the system meets only in part is refused, and what was committed for it goes back.</summary>
    [Fact]
    public void A_commit_that_is_refused_keeps_nothing()
    {
        using AddressWindow window = NewWindow();
        Assert.True(window.TryTake(9 * Unit, 1, out nuint start, out _));
        Assert.True(window.Commits.TryCommit(start + (4 * Unit), 1, huge: false, out _));
        using (SystemCallFault fault = SystemCallFault.Inject(SystemCall.Commit, nth: 2))
        {
            Assert.False(window.Commits.TryCommit(start, 9 * Unit, huge: false, out nuint fresh));
            Assert.Equal((1, 4 * Unit), (fault.Failed, fresh));
        }

        Assert.Equal(5 * Unit, window.Discard(start, 9 * Unit, staleOnly: false).Decommitted);
        Assert.Equal(0u, window.Commits.Bytes);
        _ = window.Release(start, 9 * Unit);
    }

    /// <summary>Whose every granule is, after some thousand extents came and went in any order.</summary>
    [Fact]
    public void The_table_knows_whose_every_granule_is()
    {
        using AddressWindow window = NewWindow();
        Random random = new(7);
        Dictionary<nuint, (nuint Size, uint Owner)> taken = [];
        for (int step = 0; step < 3_000; step++)
        {
            if (taken.Count < 40 || random.Next(2) == 0)
            {
                nuint size = (nuint)random.Next(1, 20) * Unit;
                nuint alignment = random.Next(4) == 0 ? Unit << random.Next(5) : 1;
                Assert.True(window.TryTake(size, alignment, out nuint start, out _) && start % alignment == 0);
                uint owner = window.Owners.Take($"owner {step}");
                window.Table.Set(start, size, owner << GranuleTable.OwnerShift);
                taken.Add(start, (size, owner));
            }
            else
            {
                (nuint start, (nuint size, uint owner)) = taken.ElementAt(random.Next(taken.Count));
                _ = taken.Remove(start);
                _ = window.Release(start, size);
                window.Owners.Leave(owner);
                Assert.Equal((0u, 0u), (window.Table.EntryAt(start), window.Table.EntryAt(start + size - 1)));
                Assert.Null(window.Owners.NameOf(owner));
            }

            if (step % 100 == 0)
            {
                window.Validate();
                foreach ((nuint start, (nuint size, uint owner)) in taken)
                {
                    Assert.Equal((owner, owner), (window.Table.EntryAt(start) >> 8, window.Table.EntryAt(start + size - 1) >> 8));
                }
            }
        }

        foreach ((nuint start, (nuint size, _)) in taken)
        {
            _ = window.Release(start, size);
        }

        Assert.Equal(0u, window.InUse);
    }

    private static AddressWindow NewWindow() => new(new MemoryBudget(nuint.MaxValue));
}
