using Vmem.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Platform;

/// <summary>Each system call of a run fails in turn: what fails says so, nothing stays mapped, and the next run works.</summary>
[Collection(Footprint.Collection)]
public unsafe class FaultTests
{
    private static readonly nuint s_page = VirtualMemory.PageSize;
    private static readonly nuint s_large = Footprint.Large;

    public static TheoryData<string> Kinds => [.. Enum.GetNames<SystemCall>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_call_that_fails_loses_nothing(string kind)
    {
        SystemCall call = Enum.Parse<SystemCall>(kind);
        int nth = 0;
        int failed;
        do
        {
            nth++;
            Footprint footprint = new();
            using (SystemCallFault fault = SystemCallFault.Inject(call, nth))
            {
                Run();
                ArenaRun();
                failed = fault.Failed;
            }

            VirtualMemory.Release(VirtualMemory.Reserve(s_page), s_page);
            Assert.Equal(0u, VirtualMemory.Space.StrandedSize);
            footprint.CheckUnchanged();
        }
        while (failed != 0 && nth < 100);
        Assert.InRange(nth, 2, 99);
    }

    [Fact]
    public void A_failed_commit_leaves_the_pages_as_they_were()
    {
        byte* start = (byte*)VirtualMemory.Reserve(4 * s_page);
        using (SystemCallFault.Inject(call => call == SystemCall.Commit))
        {
            Assert.False(VirtualMemory.TryCommit(start, 4 * s_page));
            OutOfMemoryException thrown = Assert.ThrowsAny<OutOfMemoryException>(() => VirtualMemory.Commit(start, 4 * s_page));
            Assert.Contains($"commit {4 * s_page} bytes at 0x{(nuint)start:x}", thrown.Message, StringComparison.Ordinal);
        }

        Assert.Equal($"-- {4 * s_page}", ProcessMap.Describe(start, 4 * s_page));
        VirtualMemory.Release(start, 4 * s_page);
    }

    [Fact]
    public void A_failed_decommit_gives_the_memory_back_all_the_same()
    {
        byte* start = (byte*)VirtualMemory.Reserve(4 * s_page);
        VirtualMemory.Commit(start, 4 * s_page);
        new Span<byte>(start, 4 * (int)s_page).Fill(1);
        using (SystemCallFault.Inject(call => call == SystemCall.Decommit))
        {
            Assert.False(VirtualMemory.TryDecommit(start, 3 * s_page));
            Assert.ThrowsAny<OutOfMemoryException>(() => VirtualMemory.Decommit(start, 3 * s_page));
        }

        Assert.Equal($"rw {4 * s_page}", ProcessMap.Describe(start, 4 * s_page));
        Assert.Equal(s_page, VirtualMemory.GetResident(start, 4 * s_page));
        Assert.Equal((int)s_page, new Span<byte>(start, 4 * (int)s_page).IndexOf((byte)1) - (2 * (int)s_page));
        VirtualMemory.Release(start, 4 * s_page);
    }

    /// <summary>What is promised of discarding is the zeros; the system refuses for locked pages, for instance.</summary>
    [Fact]
    public void A_failed_discard_reads_as_zero_all_the_same()
    {
        byte* start = (byte*)VirtualMemory.Reserve(2 * s_page);
        VirtualMemory.Commit(start, 2 * s_page);
        new Span<byte>(start, 2 * (int)s_page).Fill(1);
        using (SystemCallFault fault = SystemCallFault.Inject(call => call == SystemCall.Discard))
        {
            VirtualMemory.Discard(start, s_page);
            Assert.Equal(1, fault.Failed);
        }

        Assert.Equal(-1, new Span<byte>(start, (int)s_page).IndexOfAnyExcept((byte)0));
        Assert.Equal(1, start[s_page]);
        VirtualMemory.Release(start, 2 * s_page);
    }

    [Fact]
    public void Faults_nest_and_end()
    {
        using (SystemCallFault outer = SystemCallFault.Inject(_ => true))
        {
            using (SystemCallFault inner = SystemCallFault.Inject(SystemCall.Reserve, 2))
            {
                VirtualMemory.Release(VirtualMemory.Reserve(s_page), s_page);
                Assert.False(VirtualMemory.TryReserve(s_page, 0, out _));
                Assert.Equal((2, 1, 1), (inner.Count(SystemCall.Reserve), inner.Count(SystemCall.Release), inner.Failed));
            }

            Assert.False(VirtualMemory.TryReserve(s_page, 0, out _));
            Assert.Equal(1, outer.Count(SystemCall.Reserve));
        }

        VirtualMemory.Release(VirtualMemory.Reserve(s_page), s_page);
    }

    /// <summary>Every member, with failures let pass.</summary>
    private static void Run()
    {
        if (!VirtualMemory.TryReserve(s_large, s_large, out void* start))
        {
            return;
        }

        if (VirtualMemory.TryCommit(start, 8 * s_page))
        {
            _ = VirtualMemory.TryAdviseHuge(start, 8 * s_page);
            _ = VirtualMemory.TryMove(start, (byte*)start + (4 * s_page), 2 * s_page);
            *(byte*)start = 1;
            bool isGuarded = VirtualMemory.TryProtect((byte*)start + s_page, s_page);
            AllowShortage(() => VirtualMemory.Discard(start, s_page));
            Assert.Equal(0, *(byte*)start);
            AllowShortage(() => VirtualMemory.GetResident(start, 8 * s_page));
            if (isGuarded)
            {
                AllowShortage(() => VirtualMemory.Unprotect((byte*)start + s_page, s_page));
            }

            _ = VirtualMemory.TryDecommit(start, 8 * s_page);
        }

        VirtualMemory.Release(start, s_large);
    }

    private static void ArenaRun()
    {
        using Arena<nuint> arena = new("faulty", s_page, new ArenaOptions<nuint> { Source = VirtualMemory.Source, MinImport = s_large });
        for (int i = 0; i < 3; i++)
        {
            if (arena.TryAllocate(s_large, out nuint large))
            {
                arena.Free(large, s_large);
            }

            if (arena.TryAllocateConstrained(
                s_page,
                new() { Align = s_large, Min = (nuint)1 << 43, Max = (nuint)1 << 44 },
                FitPolicy.BestFit,
                out nuint low))
            {
                arena.FreeConstrained(low, s_page);
            }

            arena.Reap();
            arena.Validate();
        }
    }

    private static void AllowShortage(Action action) => Assert.True(Record.Exception(action) is null or OutOfMemoryException);
}
