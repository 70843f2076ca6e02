using System.Reflection;
using System.Runtime.CompilerServices;
using Xunit;

namespace Vmem.Memory.Tests.Platform;

/// <summary>What takes a process of its own: touching what must not be touched, and running into the system's limits.</summary>
public unsafe class ProcessTests
{
    private const BindingFlags Everything =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly nuint s_page = VirtualMemory.PageSize;

    [Theory]
    [InlineData(nameof(Touch_a_reserved_page))]
    [InlineData(nameof(Touch_a_decommitted_page))]
    [InlineData(nameof(Touch_a_protected_page))]
    public void A_touch_without_access_is_a_fault(string touch)
    {
        (int exitCode, string output) = ChildProcess.Run(typeof(ProcessTests), touch);
        Assert.NotEqual(0, exitCode);
        Assert.Contains("AccessViolationException", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(nameof(Run_out_of_address_space))]
    [InlineData(nameof(Run_out_of_mappings))]
    [InlineData(nameof(Share_what_is_limited))]
    [Trait("Once", "Release")]
    public void A_limit_of_the_system_is_out_of_memory_and_harms_nothing(string run)
    {
        (int exitCode, string output) = ChildProcess.RunAtALimit(typeof(ProcessTests), run);
        Assert.True(exitCode == 0, output);
    }

    [Fact(Explicit = true)]
    public void Touch_a_reserved_page() => *(byte*)VirtualMemory.Reserve(s_page) = 1;

    [Fact(Explicit = true)]
    public void Touch_a_decommitted_page()
    {
        byte* start = (byte*)VirtualMemory.Reserve(s_page);
        VirtualMemory.Commit(start, s_page);
        *start = 1;
        VirtualMemory.Decommit(start, s_page);
        *start = 2;
    }

    [Fact(Explicit = true)]
    public void Touch_a_protected_page()
    {
        byte* start = (byte*)VirtualMemory.Reserve(3 * s_page);
        VirtualMemory.Commit(start, 3 * s_page);
        VirtualMemory.Protect(start + s_page, s_page);
        new Span<byte>(start, 2 * (int)s_page).Fill(1);
    }

    [Fact(Explicit = true)]
    public void Run_out_of_address_space()
    {
        nuint unit = (nuint)64 << 20;
        using Arena<nuint> arena = new("limited", s_page, new ArenaOptions<nuint> { Source = VirtualMemory.Source, MinImport = unit });
        SystemLimits limits = SystemLimits.Get(SystemLimits.AddressSpace);
        SystemLimits.Set(SystemLimits.AddressSpace, limits with { Current = (nuint)ProcessMap.TotalSize + (20 * unit) });
        Stack<nuint> starts = new();
        while (arena.TryAllocate(unit, out nuint start))
        {
            starts.Push(start);
            Assert.True(starts.Count <= 20);
        }

        Assert.True(starts.Count >= 10);
        Assert.False(VirtualMemory.TryReserve(unit, 0, out _));
        Assert.Throws<ArenaExhaustedException>(() => arena.Allocate(unit));
        nuint last = starts.Pop();
        VirtualMemory.Commit((void*)last, unit);
        new Span<byte>((void*)last, (int)unit).Fill(1);
        arena.Free(last, unit);
        Assert.True(arena.TryAllocate(unit, out last));
        arena.Free(last, unit);
        foreach (nuint start in starts)
        {
            arena.Free(start, unit);
        }

        arena.Validate();
        SystemLimits.Set(SystemLimits.AddressSpace, limits);
    }

    /// <summary>Without a limit the tables of one large arena reserve 32 GiB. Of little they must leave most to others.</summary>
    [Fact(Explicit = true)]
    public void Share_what_is_limited()
    {
        SystemLimits limits = SystemLimits.Get(SystemLimits.AddressSpace);
        nuint before = (nuint)ProcessMap.TotalSize;
        nuint limit = before + ((nuint)40 << 30);
        SystemLimits.Set(SystemLimits.AddressSpace, limits with { Current = limit });
        using Arena<ulong> arena = new("modest", 0, 1 << 20, 1);
        for (int i = 0; i < 100_000; i++)
        {
            _ = arena.Allocate(1);
        }

        Assert.InRange((nuint)ProcessMap.TotalSize, before, before + (limit / 4));
        arena.Validate();
        SystemLimits.Set(SystemLimits.AddressSpace, limits);
    }

    /// <summary>Every second page is committed until the process has as many mappings as it may. Then what makes one more is refused, what
    /// makes none more is not, and a release that would make one is made up for.</summary>
    [Fact(Explicit = true)]
    public void Run_out_of_mappings()
    {
        nuint most = nuint.Parse(File.ReadAllText("/proc/sys/vm/max_map_count"), null);
        Assert.SkipWhen(most > 1 << 20, "needs a limit of a million mappings or fewer, to reach it: this system allows more (sysctl vm.max_map_count)");
        nuint size = (most + 1024) * s_page;
        byte* start = (byte*)VirtualMemory.Reserve(size);
        byte* other = (byte*)VirtualMemory.Reserve(16 * s_page);

        // Compiled and rehearsed before, refusals too, for the runtime finds no room for code when there are no mappings left.
        foreach (MethodBase method in typeof(VirtualMemory).Assembly.GetTypes()
            .Where(type => type == typeof(VirtualMemory) || type.Namespace is "Vmem.Platform" or "Vmem.Memory.Platform" or "Vmem.Checks")
            .Where(type => !type.ContainsGenericParameters)
            .SelectMany(type => type.GetMembers(Everything)).OfType<MethodBase>()
            .Where(method => !method.IsAbstract && !method.ContainsGenericParameters)
            .Where(method => !method.Attributes.HasFlag(MethodAttributes.PinvokeImpl)))
        {
            RuntimeHelpers.PrepareMethod(method.MethodHandle);
        }

        List<(nuint Start, nuint Size)> list = [(0, 0)];
        list.RemoveAt(list.FindIndex(pair => pair.Size == list[0].Size));
        Assert.False(VirtualMemory.TryReserve(nuint.MaxValue / 4 * 3 / s_page * s_page, 0, out _));
        Assert.True(VirtualMemory.TryCommit(start + s_page, s_page) && VirtualMemory.TryDecommit(start + s_page, s_page));
        byte* rehearsal = (byte*)VirtualMemory.Reserve(3 * s_page);
        VirtualMemory.Release(rehearsal + s_page, s_page);
        VirtualMemory.Release(rehearsal, s_page);
        VirtualMemory.Release(rehearsal + (2 * s_page), s_page);
        Assert.Equal(0u, VirtualMemory.Space.StrandedSize);

        byte* page = start + s_page;
        while (VirtualMemory.TryCommit(page, s_page))
        {
            *page = 1;
            page += 2 * s_page;
            Assert.True(page < start + size);
        }

        bool isDecommitted = VirtualMemory.TryDecommit(start + s_page, s_page);      // joins three mappings
        bool isCommitted = VirtualMemory.TryCommit(start + s_page, s_page);
        VirtualMemory.Release(other + (8 * s_page), s_page);
        nuint stranded = VirtualMemory.Space.StrandedSize;
        VirtualMemory.Release(start, size);
        VirtualMemory.Release(other, s_page);
        Assert.True(isDecommitted);
        Assert.True(isCommitted);
        Assert.Equal(s_page, stranded);
        Assert.Equal(0u, VirtualMemory.Space.StrandedSize);
        Assert.Equal($"-- {7 * s_page}, -- {7 * s_page}", ProcessMap.Describe(other, 16 * s_page));
        Assert.True(page - start > (nint)(most * s_page / 2));
    }
}
