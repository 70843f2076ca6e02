using Vmem.Diagnostics;
using Vmem.Testing.Driving;
using Xunit;

namespace Vmem.Tests.Auditing;

/// <summary>Audited arenas on top of each other: no false alarm, and each level knows its own.</summary>
public class StackedAuditTests
{
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Imports_come_and_go_without_a_false_mix_up(bool parentAudited, bool childAudited)
    {
        using Arena<uint> parent = new("parent", 0, 4_096, 64, new ArenaOptions<uint> { Audit = parentAudited });
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Audit = childAudited, Source = parent });
        for (int round = 0; round < 3; round++)
        {
            uint plain = child.Allocate(100);
            uint aligned = child.AllocateConstrained(64, new() { Align = 64, Min = 2_048 });
            Assert.True(child.TryAllocateHandle(500, out RangeHandle<uint> handle));
            uint[] many = new uint[5];
            Assert.Equal(5, child.TryAllocateMany(200, many));
            child.Validate();
            parent.Validate();
            child.Free(handle);
            child.FreeMany(many, 200);
            child.FreeConstrained(aligned, 64);
            child.Free(plain, 100);
            Assert.NotEqual(0u, child.Reap());
            Assert.Equal("{0+4096: (0+4096)}", ArenaPicture.Segments(parent));
            child.Validate();
            parent.Validate();
        }
    }

    [Fact]
    public void Each_level_knows_by_which_call()
    {
        using Arena<uint> parent = new("parent", 0, 4_096, 64, new ArenaOptions<uint> { Audit = true });
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Audit = true, Source = parent });
        uint mine = child.AllocateConstrained(10, new() { Align = 64 });
        Assert.Equal(AuditCall.AllocateConstrained, Assert.Single(child.GetAuditReport().Groups).First[0].Call);
        AuditGroup<uint> import = Assert.Single(parent.GetAuditReport().Groups);
        Assert.Equal(AuditCall.Import, import.First[0].Call);
        Assert.Contains(nameof(Each_level_knows_by_which_call), import.Stack.Split('\n')[0], StringComparison.Ordinal);
        Assert.Equal(InvalidFreeReason.WrongCall, Assert.Throws<InvalidFreeException>(() => child.Free(mine, 10)).Reason);
        child.FreeConstrained(mine, 10);
    }

    [Fact]
    public void A_source_that_calls_back_signs_its_own_calls()
    {
        Arena<uint>? arena = null;
        CallingBack source = new(() => arena!.Allocate(1));
        using (arena = new Arena<uint>("calls back", 0, 16, 1, new ArenaOptions<uint> { Audit = true, Source = source }))
        {
            uint start = arena.AllocateConstrained(32, new() { Align = 32 });
            Assert.Equal(InvalidFreeReason.WrongCall, Assert.Throws<InvalidFreeException>(() => arena.Free(start, 32)).Reason);
            Assert.NotEqual(uint.MaxValue, source.Allocated);
            arena.Free(source.Allocated, 1);
            arena.FreeConstrained(start, 32);
            arena.Validate();
        }
    }

    [Fact]
    public void A_child_that_is_disposed_gives_back_what_it_leaked()
    {
        using Arena<uint> parent = new("parent", 0, 4_096, 64, new ArenaOptions<uint> { Audit = true });
        Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Audit = true, Source = parent });
        child.AllocateConstrained(10, new() { Align = 64, Min = 1_024 });
        child.Dispose();
        Assert.Equal(0, parent.GetAuditReport().Ranges);
        parent.Validate();
    }

    [Fact]
    public void Restored_ranges_are_recorded_and_either_call_frees_them()
    {
        using Arena<uint> first = MistakeTests.Make();
        uint plain = first.Allocate(10);
        uint constrained = first.AllocateConstrained(20, new() { Align = 32 });
        using Arena<uint> second = Arena<uint>.Restore(first.Snapshot(), new ArenaOptions<uint> { Audit = true });
        second.Validate();
        AuditGroup<uint> group = Assert.Single(second.GetAuditReport().Groups);
        Assert.Equal((2L, 30u, AuditCall.Restore), (group.Ranges, group.Size, group.First[0].Call));
        second.FreeConstrained(plain, 10);
        second.Free(constrained, 20);
        second.Validate();
    }

    private sealed class CallingBack(Func<uint> call) : IArenaSource<uint>
    {
        public uint Allocated { get; private set; } = uint.MaxValue;

        public uint Quantum => 1;

        public bool TryImport(uint size, in RangeConstraints<uint> constraints, out uint start, out uint imported)
        {
            Allocated = call();
            start = 1_024;
            imported = size;
            return true;
        }

        public void Release(uint start, uint size)
        {
        }
    }
}
