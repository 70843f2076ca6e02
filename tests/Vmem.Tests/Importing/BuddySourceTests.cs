using Vmem.Testing.Contracts;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>A buddy allocator as an arena's source.</summary>
public class BuddySourceTests : ArenaSourceContract
{
    protected override IArenaSource<ulong> CreateSource() => new BuddyAllocator<ulong>(24 * 64, 64 * 600, 64, 64 * 512);

    [Fact]
    public void An_arena_imports_blocks_and_gives_them_back()
    {
        BuddyAllocator<ulong> source = new(0, 1 << 16, 64, 1 << 16);
        using (Arena<ulong> arena = new("above", 16, new ArenaOptions<ulong> { Source = source, MinImport = 1_000 }))
        {
            ulong start = arena.Allocate(100);
            Assert.True(source.IsAllocated(start));
            Assert.Equal(1_024ul, source.GetStatistics().InUse);
            Assert.True(arena.TryAllocateConstrained(64, new() { Align = 256, Phase = 64 }, FitPolicy.BestFit, out ulong placed));
            Assert.Equal(64ul, placed % 256);
            arena.Validate();
        }

        Assert.Equal(0ul, source.GetStatistics().InUse);
        source.Validate();
    }

    [Fact]
    public void The_quantum_divides_every_address_whatever_the_start()
    {
        IArenaSource<uint> source = new BuddyAllocator<uint>(1_000, 4_096, 64, 1_024);
        Assert.Equal(8u, source.Quantum);
        Assert.Equal(64u, ((IArenaSource<uint>)new BuddyAllocator<uint>(0, 4_096, 64, 1_024)).Quantum);
    }

    [Fact]
    public void A_release_of_another_size_is_refused()
    {
        IArenaSource<uint> source = new BuddyAllocator<uint>(0, 4_096, 64, 1_024);
        Assert.True(source.TryImport(100, default, out uint start, out uint imported));
        Assert.Equal(128u, imported);
        Assert.Equal(InvalidFreeReason.WrongSize, Assert.Throws<InvalidFreeException>(() => source.Release(start, 100)).Reason);
        source.Release(start, imported);
    }
}
