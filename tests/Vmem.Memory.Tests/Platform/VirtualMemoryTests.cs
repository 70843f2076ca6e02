using Vmem.Platform;
using Vmem.Testing.Internals;
using Xunit;

namespace Vmem.Memory.Tests.Platform;

/// <summary>The life of a page: reserved, committed, discarded, protected, decommitted, released.</summary>
[Collection(Footprint.Collection)]
public sealed unsafe class VirtualMemoryTests : IDisposable
{
    private const int Pages = 16;
    private const int NoHugePage = 15;            // MADV_NOHUGEPAGE

    private static readonly nuint s_page = VirtualMemory.PageSize;

    private readonly nuint _size = Pages * s_page;
    private readonly byte* _start;

    public VirtualMemoryTests() => _start = (byte*)VirtualMemory.Reserve(_size);

    private string Map => ProcessMap.Describe(_start, _size);

    private Span<byte> Bytes => new(_start, (int)_size);

    public void Dispose() => VirtualMemory.Release(_start, _size);

    [Fact]
    public void The_figures_are_powers_of_two()
    {
        Assert.Equal((nuint)Environment.SystemPageSize, s_page);
        Assert.True(nuint.IsPow2(VirtualMemory.Granularity) && VirtualMemory.Granularity >= s_page);
        Assert.True(VirtualMemory.HugePageSize == 0 || (nuint.IsPow2(VirtualMemory.HugePageSize) && VirtualMemory.HugePageSize > s_page));
    }

    [Fact]
    public void A_reservation_has_no_access_and_no_memory()
    {
        Assert.Equal($"-- {_size}", Map);
        Assert.Equal(0u, VirtualMemory.GetResident(_start, _size));
    }

    [Fact]
    public void Committed_pages_are_zero_and_take_memory_when_touched()
    {
        VirtualMemory.Commit(_start, _size);
        Assert.Equal($"rw {_size}", Map);
        Assert.Equal(0u, VirtualMemory.GetResident(_start, _size));
        _start[5 * s_page] = 1;
        _start[(6 * s_page) + 1] = 1;
        Assert.Equal(2 * s_page, VirtualMemory.GetResident(_start, _size));
        Assert.Equal(s_page, VirtualMemory.GetResident(_start + (6 * s_page), 10 * s_page));
        Assert.Equal(2, Bytes.Count((byte)1));
        Assert.Equal(Bytes.Length - 2, Bytes.Count((byte)0));
    }

    /// <summary>The system tells of some thousand pages at a time.</summary>
    [Fact]
    public void Resident_pages_are_counted_wherever_they_are()
    {
        const int Many = 20_003;
        byte* start = (byte*)VirtualMemory.Reserve(Many * s_page);
        VirtualMemory.Commit(start, Many * s_page);
        _ = LibC.Advise(start, Many * s_page, NoHugePage);        // where the system gives huge pages unasked
        int[] touched = [0, 4_095, 4_096, 12_345, Many - 1];
        Array.ForEach(touched, page => start[(nuint)page * s_page] = 1);
        Assert.Equal((nuint)touched.Length * s_page, VirtualMemory.GetResident(start, Many * s_page));
        Assert.Equal(s_page, VirtualMemory.GetResident(start + s_page, 4_095 * s_page));
        VirtualMemory.Release(start, Many * s_page);
    }

    [Fact]
    public void Committing_again_keeps_the_contents()
    {
        VirtualMemory.Commit(_start + s_page, 2 * s_page);
        _start[s_page] = 1;
        Assert.True(VirtualMemory.TryCommit(_start, _size));
        Assert.Equal(1, _start[s_page]);
    }

    [Fact]
    public void Decommitted_pages_have_no_access_and_no_memory_and_come_back_as_zero()
    {
        VirtualMemory.Commit(_start, _size);
        Bytes.Fill(1);
        VirtualMemory.Decommit(_start + (4 * s_page), 8 * s_page);
        Assert.Equal($"rw {4 * s_page}, -- {8 * s_page}, rw {4 * s_page}", Map);
        Assert.Equal(8 * s_page, VirtualMemory.GetResident(_start, _size));
        VirtualMemory.Commit(_start + (4 * s_page), 8 * s_page);
        Assert.Equal((int)(8 * s_page), Bytes.Count((byte)0));
        Assert.Equal((int)(8 * s_page), Bytes.Count((byte)1));
    }

    /// <summary>There is a limit to mappings: decommitting must leave one where there was one.</summary>
    [Fact]
    public void Decommitted_pages_are_one_mapping_with_the_reserved_ones_beside_them()
    {
        VirtualMemory.Commit(_start + (4 * s_page), 4 * s_page);
        Bytes.Slice((int)(4 * s_page), (int)(4 * s_page)).Fill(1);
        VirtualMemory.Decommit(_start + (4 * s_page), 4 * s_page);
        Assert.Equal($"-- {_size}", Map);
    }

    [Fact]
    public void What_was_never_committed_can_be_decommitted()
    {
        VirtualMemory.Commit(_start, s_page);
        VirtualMemory.Decommit(_start, _size);
        Assert.Equal($"-- {_size}", Map);
    }

    [Fact]
    public void Discarded_pages_are_zero_and_stay_accessible()
    {
        VirtualMemory.Commit(_start, _size);
        Bytes.Fill(1);
        VirtualMemory.Discard(_start + (2 * s_page), 3 * s_page);
        Assert.Equal($"rw {_size}", Map);
        Assert.Equal(_size - (3 * s_page), VirtualMemory.GetResident(_start, _size));
        Assert.Equal((int)(3 * s_page), Bytes.Count((byte)0));
        Assert.Equal(-1, Bytes.Slice((int)(2 * s_page), (int)(3 * s_page)).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void Protected_pages_have_no_access_and_keep_their_contents()
    {
        VirtualMemory.Commit(_start, _size);
        Bytes.Fill(1);
        VirtualMemory.Protect(_start + s_page, s_page);
        Assert.Equal($"rw {s_page}, -- {s_page}, rw {_size - (2 * s_page)}", Map);
        Assert.Equal(_size, VirtualMemory.GetResident(_start, _size));
        VirtualMemory.Unprotect(_start + s_page, s_page);
        Assert.Equal($"rw {_size}", Map);
        Assert.Equal(Bytes.Length, Bytes.Count((byte)1));
    }

    [Fact]
    public void Released_address_space_is_gone()
    {
        nuint size = Footprint.Large;
        Footprint footprint = new();
        void* start = VirtualMemory.Reserve(size);
        Assert.InRange((nuint)footprint.Grown, Footprint.Large / 2, Footprint.Large * 2);
        VirtualMemory.Release(start, size);
        footprint.CheckUnchanged();
    }

    [Fact]
    public void A_part_of_a_reservation_can_be_released()
    {
        byte* start = (byte*)VirtualMemory.Reserve(3 * s_page);
        VirtualMemory.Release(start + s_page, s_page);
        Assert.Equal($"-- {s_page}", ProcessMap.Describe(start, s_page));
        Assert.Equal($"-- {s_page}", ProcessMap.Describe(start + (2 * s_page), s_page));
        VirtualMemory.Release(start, s_page);
        VirtualMemory.Release(start + (2 * s_page), s_page);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1 << 16)]
    [InlineData(1 << 21)]
    [InlineData(1L << 30)]
    [InlineData(1L << 40)]
    [InlineData(1L << 44)]
    public void A_reservation_starts_at_a_multiple_of_its_alignment(long alignment)
    {
        Footprint footprint = new();
        nuint align = (nuint)alignment;
        Assert.True(VirtualMemory.TryReserve(3 * s_page, align, out void* start));
        footprint.CheckUnchanged();
        Assert.Equal(0u, (nuint)start % nuint.Max(align, VirtualMemory.Granularity));
        Assert.Equal($"-- {3 * s_page}", ProcessMap.Describe(start, 3 * s_page));
        VirtualMemory.Release(start, 3 * s_page);
    }

    [Fact]
    public void Huge_pages_are_asked_for_where_there_are_any()
    {
        nuint huge = VirtualMemory.HugePageSize;
        nuint size = huge == 0 ? _size : 2 * huge;
        void* start = VirtualMemory.Reserve(size, huge);
        VirtualMemory.Commit(start, size);
        Assert.Equal(huge != 0, VirtualMemory.TryAdviseHuge(start, size));
        Assert.Equal(huge != 0, ProcessMap.FlagsOf(start).Contains("hg"));
        VirtualMemory.Decommit(start, size);
        Assert.DoesNotContain("hg", ProcessMap.FlagsOf(start));
        VirtualMemory.Release(start, size);
    }

    [Fact]
    public void Nothing_here_allocates_managed_memory()
    {
        Assert.Equal(0, Garbage.Of(10, () =>
        {
            void* start = VirtualMemory.Reserve(_size, 1 << 20);
            VirtualMemory.Commit(start, _size);
            VirtualMemory.Protect(start, s_page);
            VirtualMemory.Unprotect(start, s_page);
            VirtualMemory.Discard(start, _size);
            _ = VirtualMemory.TryAdviseHuge(start, _size) || VirtualMemory.GetResident(start, _size) != 0;
            VirtualMemory.Decommit(start, _size);
            VirtualMemory.Release(start, _size);
        }));
    }

    [Fact]
    public void What_the_system_does_not_have_is_out_of_memory()
    {
        Assert.False(VirtualMemory.TryReserve(nuint.MaxValue - s_page + 1, 0, out void* start));
        Assert.True(start is null);
        Assert.False(VirtualMemory.TryReserve(s_page, (nuint)1 << 63, out _));
        Assert.False(VirtualMemory.TryReserve((nuint)1 << 46, (nuint)1 << 47, out _));
        Assert.False(VirtualMemory.TryReserve((nuint)1 << 47, 0, out _));
        OutOfMemoryException thrown = Assert.ThrowsAny<OutOfMemoryException>(() => VirtualMemory.Reserve((nuint)1 << 60, 1 << 20));
        Assert.Contains("1152921504606846976 bytes of address space", thrown.Message, StringComparison.Ordinal);
    }

    /// <summary>The system's own refusal: more than there is memory and swap together.</summary>
    [Fact]
    public void A_commit_of_more_than_the_machine_has_is_refused()
    {
        Assert.SkipWhen(File.ReadAllText("/proc/sys/vm/overcommit_memory").StartsWith('1'), "needs a system that refuses some memory: this one promises all (sysctl vm.overcommit_memory is 1)");
        nuint size = (nuint)1 << 45;
        byte* start = (byte*)VirtualMemory.Reserve(size);
        Assert.False(VirtualMemory.TryCommit(start, size));
        Assert.ThrowsAny<OutOfMemoryException>(() => VirtualMemory.Commit(start, size));
        Assert.Equal($"-- {size}", ProcessMap.Describe(start, size));
        VirtualMemory.Commit(start + s_page, s_page);
        start[s_page] = 1;
        VirtualMemory.Release(start, size);
    }

    [Fact]
    public void What_is_not_reserved_is_refused_as_such()
    {
        byte* start = (byte*)VirtualMemory.Reserve(Footprint.Large);
        VirtualMemory.Release(start, Footprint.Large);
        byte* inside = start + (Footprint.Large / 2);           // far from where the next mapping of another thread goes
        Assert.Equal("", ProcessMap.Describe(inside, s_page));
        Assert.Throws<InvalidOperationException>(() => VirtualMemory.TryCommit(inside, s_page));
        Assert.Throws<InvalidOperationException>(() => VirtualMemory.TryProtect(inside, s_page));
        Assert.Throws<InvalidOperationException>(() => VirtualMemory.Unprotect(inside, s_page));
        InvalidOperationException thrown = Assert.Throws<InvalidOperationException>(() => VirtualMemory.GetResident(inside, s_page));
        Assert.Contains($"0x{(nuint)inside:x}", thrown.Message, StringComparison.Ordinal);
    }
}
