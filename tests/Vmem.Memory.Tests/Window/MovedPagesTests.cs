using Vmem.Checks;
using Vmem.Memory.Heap;
using Vmem.Memory.Platform;
using Vmem.Memory.Tests.Platform;
using Vmem.Memory.Window;
using Xunit;

namespace Vmem.Memory.Tests.Window;

/// <summary>The mappings that moved pages make are counted, and bounded. Only Linux moves any.</summary>
public sealed unsafe class MovedPagesTests : IDisposable
{
    private const nuint Unit = CommitMap.Unit;
    private const nuint Units = 16;

    private static readonly nuint s_page = VirtualMemory.PageSize;

    private readonly nuint _start;

    public MovedPagesTests()
    {
        _start = (nuint)VirtualMemory.Reserve(Units * Unit, Unit);
        VirtualMemory.Commit((void*)_start, Units * Unit);
        for (nuint at = 0; at < 4 * Unit; at += s_page)
        {
            *(nuint*)(_start + at) = at;
        }
    }

    public void Dispose() => VirtualMemory.Release((void*)_start, Units * Unit);

    [Fact]
    public void A_move_makes_two_mappings_and_one_to_the_same_place_no_more()
    {
        MovedPages pages = new();
        for (int round = 0; round < 3; round++)
        {
            Move(pages, 0, 4 * Unit, 2 * Unit);
            Check(pages, 2);
        }

        Move(pages, 0, 4 * Unit, Unit);
        Check(pages, 3);
        Move(pages, 2 * Unit, 10 * Unit, 2 * Unit);
        Check(pages, 5);
        Move(pages, 0, 3 * Unit, 3 * Unit);
        Check(pages, 4);
        Move(pages, 12 * Unit, 4 * Unit, Unit);
        Check(pages, 6);
    }

    /// <summary>Each page has a bit: beside each other, in the same word of them and in two.</summary>
    [Fact]
    public void Mappings_begin_at_any_page()
    {
        MovedPages pages = new();
        Move(pages, 0, (4 * Unit) + (63 * s_page), s_page);
        Check(pages, 2);
        Move(pages, 0, (4 * Unit) + (64 * s_page), s_page);
        Check(pages, 3);
        Move(pages, 0, (4 * Unit) + (65 * s_page), 3 * s_page);
        Check(pages, 4);
        Move(pages, 0, (4 * Unit) + (62 * s_page), 4 * s_page);
        Check(pages, 3);
        Move(pages, 0, (5 * Unit) - s_page, 2 * s_page);
        Check(pages, 5);
        Move(pages, 0, 5 * Unit, s_page);
        Check(pages, 6);
        Move(pages, 0, 4 * Unit, Unit);
        Check(pages, 3);
    }

    [Fact]
    public void What_is_decommitted_is_forgotten()
    {
        MovedPages pages = new();
        Move(pages, 0, 5 * Unit, 3 * Unit);
        Move(pages, 0, (10 * Unit) + s_page, Unit);
        Check(pages, 4);
        Decommit(pages, 6 * Unit, Unit);
        Assert.Equal(4, pages.Count);
        Decommit(pages, 5 * Unit, Unit);
        Assert.Equal(3, pages.Count);
        Decommit(pages, 7 * Unit, Unit);
        Assert.Equal(2, pages.Count);
        Decommit(pages, 0, 11 * Unit);
        Assert.Equal(1, pages.Count);
        Decommit(pages, 11 * Unit, 5 * Unit);
        Assert.Equal(0, pages.Count);
        pages.Forget(_start, Units * Unit);
        Assert.Equal(0, pages.Count);
    }

    [Fact]
    public void There_are_no_more_than_may_be()
    {
        MovedPages pages = new(most: 3);
        Move(pages, 0, 4 * Unit, 2 * Unit);
        *(nuint*)(_start + Unit) = 77;
        Assert.False(pages.TryMove(_start + Unit, _start + (8 * Unit), Unit));
        Assert.Equal((2, (nuint)77), (pages.Count, *(nuint*)(_start + Unit)));
        Decommit(pages, 4 * Unit, 2 * Unit);
        Move(pages, Unit, 8 * Unit, Unit);
        Assert.False(new MovedPages(most: 1).TryMove(_start, _start + (12 * Unit), Unit));
    }

    [Fact]
    public void Without_memory_to_count_them_pages_stay()
    {
        MovedPages pages = new();
        using (GrowthFault.Inject(static () => true))
        {
            Assert.False(pages.TryMove(_start, _start + (4 * Unit), Unit));
        }

        Assert.Equal(0, pages.Count);
        Move(pages, 0, 4 * Unit, Unit);
    }

    /// <summary>As many as a quarter of what a process may have: guard pages have a half.</summary>
    [Fact]
    public void A_process_may_have_some_ten_thousands_of_mappings()
    {
        Assert.True(!OperatingSystem.IsLinux() || Mappings.Most == long.Parse(File.ReadAllText("/proc/sys/vm/max_map_count")));
    }

    /// <summary>A block is copied where its pages may not go.</summary>
    [Fact]
    public void A_mover_says_so_if_nothing_may_move()
    {
        Assert.False(PageMover.TryMove(new MovedPages(most: 0), _start, _start + (4 * Unit), 4 * Unit));
        Assert.Equal(3 * Unit, *(nuint*)(_start + (3 * Unit)));
    }

    private void Move(MovedPages pages, nuint from, nuint to, nuint size)
    {
        *(nuint*)(_start + from) = from + 1;
        *(nuint*)(_start + from + size - 8) = to + 2;
        bool isMoved = pages.TryMove(_start + from, _start + to, size);
        Assert.Equal(OperatingSystem.IsLinux(), isMoved);
        if (isMoved)
        {
            Assert.Equal((from + 1, to + 2), (*(nuint*)(_start + to), *(nuint*)(_start + to + size - 8)));
        }
    }

    /// <summary>The system has no more mappings than are counted.</summary>
    private void Check(MovedPages pages, int count)
    {
        if (OperatingSystem.IsLinux())
        {
            Assert.Equal(count, pages.Count);
            Assert.InRange(ProcessMap.Describe((void*)_start, Units * Unit).Split(',').Length, 1, count + 1);
        }
    }

    private void Decommit(MovedPages pages, nuint start, nuint size)
    {
        Assert.True(VirtualMemory.TryDecommit((void*)(_start + start), size));
        VirtualMemory.Commit((void*)(_start + start), size);
        pages.Forget(_start + start, size);
    }
}
