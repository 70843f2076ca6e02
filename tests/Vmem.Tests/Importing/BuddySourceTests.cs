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

    [Fact]
    public async Task Whoever_waits_above_is_woken_by_what_comes_back()
    {
        BuddyAllocator<ulong> source = new(0, 64, 16, 64);
        using Arena<ulong> arena = new("above", 1, new ArenaOptions<ulong> { Source = source });
        Action[] giveBack =
        [
            () => source.Free(0),
            () => Assert.True(source.TryResize(0, 16)),
            source.Reset,
        ];
        foreach (Action give in giveBack)
        {
            Assert.Equal(0ul, source.Allocate(64));
            Task<ulong> waiter = arena.AllocateAsync(16, TestContext.Current.CancellationToken).AsTask();
            Assert.False(waiter.IsCompleted);
            give();
            Assert.True(waiter.IsCompletedSuccessfully);
            arena.Free(await waiter, 16);
            _ = arena.Reap();
            source.Reset();
        }

        source.Validate();
    }

    /// <summary>Its sibling keeps nothing while it waits, and need not be asked.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(16)]
    public void Whoever_waits_above_is_woken_by_a_sibling(ulong cacheMax)
    {
        BuddyAllocator<ulong> source = new(0, 64, 16, 64);
        using Arena<ulong> arena = new("waits", 1, new ArenaOptions<ulong> { Source = source });
        using Arena<ulong> sibling = new("holds", 1, new ArenaOptions<ulong> { Source = source, QuantumCacheMax = cacheMax });
        ulong[] starts = [.. Enumerable.Range(0, 4).Select(_ => sibling.Allocate(16))];
        ValueTask<ulong> waiter = arena.AllocateAsync(40, TestContext.Current.CancellationToken);
        Array.ForEach(starts, start => sibling.Free(start, 16));
        Assert.True(waiter.IsCompletedSuccessfully);
        arena.Validate();
        sibling.Validate();
        source.Validate();
    }
}
