using Xunit;

namespace Vmem.Memory.Tests.Platform;

/// <summary>Ranges that can never be right: each member refuses each, by the parameter's name.</summary>
public unsafe class ArgumentTests
{
    public delegate void RangeCall(void* start, nuint size);

    public static TheoryData<string, RangeCall> Calls => new()
    {
        { nameof(VirtualMemory.Commit), VirtualMemory.Commit },
        { nameof(VirtualMemory.TryCommit), (start, size) => VirtualMemory.TryCommit(start, size) },
        { nameof(VirtualMemory.Decommit), VirtualMemory.Decommit },
        { nameof(VirtualMemory.TryDecommit), (start, size) => VirtualMemory.TryDecommit(start, size) },
        { nameof(VirtualMemory.Discard), VirtualMemory.Discard },
        { nameof(VirtualMemory.Protect), VirtualMemory.Protect },
        { nameof(VirtualMemory.TryProtect), (start, size) => VirtualMemory.TryProtect(start, size) },
        { nameof(VirtualMemory.Unprotect), VirtualMemory.Unprotect },
        { nameof(VirtualMemory.TryAdviseHuge), (start, size) => VirtualMemory.TryAdviseHuge(start, size) },
        { nameof(VirtualMemory.Release), VirtualMemory.Release },
        { nameof(VirtualMemory.GetResident), (start, size) => VirtualMemory.GetResident(start, size) },
    };

    [Theory]
    [MemberData(nameof(Calls), DisableDiscoveryEnumeration = true)]
    public void A_range_must_be_whole_pages_that_exist(string name, RangeCall call)
    {
        nuint page = VirtualMemory.PageSize;
        byte* start = (byte*)VirtualMemory.Reserve(4 * page);
        VirtualMemory.Commit(start, 4 * page);
        Assert.Throws<ArgumentNullException>("start", () => call(null, page));
        Assert.Throws<ArgumentException>("start", () => call(start + 1, page));
        Assert.Throws<ArgumentException>("start", () => call(start + (page / 2), page));
        Assert.Throws<ArgumentOutOfRangeException>("size", () => call(start, 0));
        Assert.Throws<ArgumentOutOfRangeException>("size", () => call(start, page - 1));
        Assert.Throws<ArgumentOutOfRangeException>("size", () => call(start, page + 1));
        Assert.Throws<ArgumentOutOfRangeException>("size", () => call(start, nuint.MaxValue - page + 1));
        Assert.True($"rw {4 * page}" == ProcessMap.Describe(start, 4 * page), name);
        VirtualMemory.Release(start, 4 * page);
    }

    [Fact]
    public void A_reservation_must_be_whole_pages_at_a_power_of_two()
    {
        nuint page = VirtualMemory.PageSize;
        Assert.Throws<ArgumentOutOfRangeException>("size", () => VirtualMemory.Reserve(0));
        Assert.Throws<ArgumentOutOfRangeException>("size", () => VirtualMemory.Reserve(page + 1));
        Assert.Throws<ArgumentOutOfRangeException>("size", () => VirtualMemory.TryReserve(nuint.MaxValue, 0, out _));
        Assert.Throws<ArgumentException>("alignment", () => VirtualMemory.Reserve(page, 3 * page));
        Assert.Throws<ArgumentException>("alignment", () => VirtualMemory.TryReserve(page, nuint.MaxValue, out _));
    }
}
