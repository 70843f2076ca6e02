using Vmem.Memory.Platform;
using Vmem.Platform;
using Vmem.Testing.Contracts;
using Xunit;

namespace Vmem.Memory.Tests.Platform;

/// <summary>Address space is a source.</summary>
public sealed class VirtualMemorySourceContractTests : ArenaSourceContract
{
    protected override IArenaSource<ulong> CreateSource() => new CountedSource(VirtualMemory.Source, 64 * 16 * VirtualMemory.Granularity);
}

/// <summary>So it is where reservations cannot be trimmed.</summary>
public sealed class UntrimmableSourceContractTests : ArenaSourceContract
{
    protected override IArenaSource<ulong> CreateSource()
    {
        AddressSpace space = new(new UntrimmableSystem());
        return new CountedSource(space, 64 * 16 * space.Quantum);
    }
}

/// <summary>And so is an arena of it.</summary>
public sealed class AddressArenaSourceContractTests : ArenaSourceContract
{
    protected override IArenaSource<ulong> CreateSource()
    {
        ArenaOptions<nuint> options = new() { Source = VirtualMemory.Source, MinImport = 64 * VirtualMemory.Granularity };
        return new CountedSource(new Arena<nuint>("addresses", VirtualMemory.PageSize, options), 64 * 16 * VirtualMemory.PageSize);
    }
}

/// <summary>What address space as a source does beyond the contract.</summary>
[Collection(Footprint.Collection)]
public class SourceTests
{
    private static readonly nuint s_unit = VirtualMemory.Granularity;

    public static TheoryData<RangeConstraints<nuint>> Honoured =>
    [
        new RangeConstraints<nuint> { Align = Two(21) },
        new RangeConstraints<nuint> { Align = Two(40) },
        new RangeConstraints<nuint> { Align = Two(30), Phase = Two(29) },
        new RangeConstraints<nuint> { Align = Two(30), Phase = Two(30) - s_unit, NoCross = Two(31) },
        new RangeConstraints<nuint> { NoCross = 4 * s_unit },
        new RangeConstraints<nuint> { NoCross = Two(34), Align = 16 * s_unit },
        new RangeConstraints<nuint> { Max = Two(47) },
        new RangeConstraints<nuint> { Min = Two(42), Max = Two(43) },
        new RangeConstraints<nuint> { Min = Two(42), Max = Two(43), Align = Two(35), Phase = Two(20) },
        new RangeConstraints<nuint> { Min = Two(45) },
    ];

    [Theory]
    [MemberData(nameof(Honoured))]
    public void A_constraint_is_honoured(RangeConstraints<nuint> constraints)
    {
        Assert.True(VirtualMemory.Source.TryImport(3 * s_unit, constraints, out nuint start, out nuint size));
        Assert.Equal(3 * s_unit, size);
        Assert.Equal(constraints.Phase, start % nuint.Max(constraints.Align, s_unit));
        Assert.True(start >= constraints.Min);
        Assert.True(constraints.Max == 0 || start + size <= constraints.Max);
        Assert.True(constraints.NoCross == 0 || start / constraints.NoCross == (start + size - 1) / constraints.NoCross);
        VirtualMemory.Source.Release(start, size);
    }

    [Fact]
    public void A_window_serves_many_imports()
    {
        var window = new RangeConstraints<nuint> { Min = Two(43), Max = Two(44), Align = Two(30) };
        List<nuint> starts = [];
        for (int i = 0; i < 32; i++)
        {
            Assert.True(VirtualMemory.Source.TryImport(Two(30), window, out nuint start, out nuint size));
            Assert.InRange(start, window.Min, window.Max - size);
            starts.Add(start);
        }

        Assert.Equal(starts.Count, starts.Distinct().Count());
        starts.ForEach(start => VirtualMemory.Source.Release(start, Two(30)));
    }

    [Fact]
    public void A_window_that_is_taken_is_refused_and_nothing_stays()
    {
        Footprint footprint = new();
        nuint size = Footprint.Large;
        var window = new RangeConstraints<nuint> { Min = Two(44), Max = Two(44) + size };
        Assert.True(VirtualMemory.Source.TryImport(size, window, out nuint start, out _));
        Assert.Equal(window.Min, start);
        Assert.False(VirtualMemory.Source.TryImport(size, window, out _, out _));
        Assert.False(VirtualMemory.Source.TryImport(s_unit, window, out _, out _));
        VirtualMemory.Source.Release(start, size);
        footprint.CheckUnchanged();
    }

    [Fact]
    public unsafe void What_no_system_can_give_is_refused()
    {
        IArenaSource<nuint> source = VirtualMemory.Source;
        Assert.False(source.TryImport(nuint.MaxValue, default, out _, out _));
        Assert.False(source.TryImport(nuint.MaxValue - s_unit + 1, default, out _, out _));
        Assert.False(source.TryImport(s_unit, new() { Max = s_unit }, out _, out _));
        Assert.False(source.TryImport(s_unit, new() { Min = nuint.MaxValue - s_unit + 1 }, out _, out _));
        Assert.False(source.TryImport(s_unit, new() { Min = Two(40), Max = Two(40) + s_unit - 1 }, out _, out _));
        Assert.False(source.TryImport(s_unit, new() { Align = 1 }, out _, out _));
        Assert.False(source.TryImport(s_unit, new() { Align = s_unit, Phase = s_unit }, out _, out _));
        Assert.False(source.TryImport(s_unit, new() { NoCross = s_unit / 2 }, out _, out _));
        Assert.False(source.TryImport(3 * s_unit, new() { NoCross = 2 * s_unit }, out _, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.TryImport(0, default, out _, out _));
    }

    [Fact]
    public void An_alignment_that_is_no_power_of_two_is_honoured()
    {
        Assert.True(VirtualMemory.Source.TryImport(s_unit, new() { Align = 3 * s_unit }, out nuint start, out nuint size));
        Assert.Equal(((nuint)0, s_unit), (start % (3 * s_unit), size));
        VirtualMemory.Source.Release(start, size);
    }

    [Fact]
    public void An_import_is_whole_units()
    {
        Assert.True(VirtualMemory.Source.TryImport(1, default, out nuint start, out nuint size));
        Assert.Equal(s_unit, size);
        VirtualMemory.Source.Release(start, size);
    }

    /// <summary>The page-level work is the arena's: nothing of it is done twice.</summary>
    [Fact]
    public unsafe void An_arena_deals_out_pages_of_address_space()
    {
        Footprint footprint = new();
        nuint page = VirtualMemory.PageSize;
        ArenaOptions<nuint> options = new() { Source = VirtualMemory.Source, MinImport = Footprint.Large };
        using (Arena<nuint> arena = new("pages", page, options))
        {
            nuint plain = arena.Allocate(10 * page);
            nuint aligned = arena.AllocateConstrained(page, new() { Align = Two(32) });
            nuint low = arena.AllocateConstrained(page, new() { Min = Two(41), Max = Two(42) });
            Assert.Equal(0u, aligned % Two(32));
            Assert.InRange(low, Two(41), Two(42));
            VirtualMemory.Commit((void*)plain, 10 * page);
            new Span<byte>((void*)plain, (int)(10 * page)).Fill(7);
            arena.Validate();
            Assert.InRange((nuint)footprint.Grown, Footprint.Large, 3 * Footprint.Large);
            VirtualMemory.Decommit((void*)plain, 10 * page);
            arena.Free(plain, 10 * page);
            arena.FreeConstrained(aligned, page);
            arena.FreeConstrained(low, page);
            arena.Reap();
            footprint.CheckUnchanged();
            Assert.True(arena.TryAllocate(page, out _));
        }

        footprint.CheckUnchanged();
    }

    private static nuint Two(int power) => (nuint)1 << power;
}
