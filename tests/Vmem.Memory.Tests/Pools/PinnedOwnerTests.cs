using System.Buffers;
using System.Runtime.CompilerServices;
using Vmem.Testing.Internals;
using Xunit;

namespace Vmem.Memory.Tests.Pools;

/// <summary>Owners that belong to their blocks, and serve again.</summary>
public class PinnedOwnerTests
{
    private static readonly PinnedMemoryPoolOptions s_recycling =
        new() { RecycleOwners = true, RetainedInterval = Timeout.InfiniteTimeSpan };

    [Fact]
    public void Renting_single_blocks_makes_no_garbage()
    {
        const int Rounds = 300;
        using PinnedMemoryPool<byte> pool = new(s_recycling);
        IMemoryOwner<byte>[] owners = new IMemoryOwner<byte>[100];
        Assert.Equal(0, Garbage.Of(Rounds, () =>
        {
            for (int i = 0; i < owners.Length; i++)
            {
                owners[i] = pool.Rent();
                owners[i].Memory.Span[0] = 1;
            }

            Array.ForEach(owners, static owner => owner.Dispose());
        }));
        Assert.InRange(Garbage.Of(Rounds, () => pool.Rent(5_000).Dispose()), 1, Rounds * 64);
    }

    [Fact]
    public void A_second_disposal_is_found_until_the_block_is_rented_again()
    {
        using PinnedMemoryPool<byte> pool = new(s_recycling);
        IMemoryOwner<byte> first = pool.Rent();
        first.Dispose();
        Assert.Throws<ObjectDisposedException>(() => first.Memory);
        first.Dispose();
        Assert.Equal((1, 0, 1), Count(pool));
        IMemoryOwner<byte> second = pool.Rent();
        Assert.Same(first, second);
        first.Dispose();                          // ends the second's rental, and gives the block back once
        Assert.Equal((2, 0, 1), Count(pool));
        second.Dispose();
        Assert.Equal((2, 0, 2), Count(pool));
        pool.Validate();
    }

    /// <summary>Owners come with their blocks, by whichever thread.</summary>
    [Fact]
    public async Task Blocks_that_go_from_thread_to_thread_keep_their_owners()
    {
        using PinnedMemoryPool<byte> pool = new(s_recycling);
        HashSet<IMemoryOwner<byte>> known = new(ReferenceEqualityComparer.Instance);
        for (int round = 0; round < 20; round++)
        {
            IMemoryOwner<byte>[] owners = [.. Enumerable.Range(0, 200).Select(_ => pool.Rent())];
            for (int i = 0; i < owners.Length; i++)
            {
                owners[i].Memory.Span.Fill((byte)i);
            }

            Assert.Equal(owners.Length, owners.Distinct(ReferenceEqualityComparer.Instance).Count());
            known.UnionWith(owners);
            await Task.Factory.StartNew(() =>
            {
                for (int i = 0; i < owners.Length; i++)
                {
                    Assert.Equal(-1, owners[i].Memory.Span.IndexOfAnyExcept((byte)i));
                    owners[i].Dispose();
                }
            }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }

        Assert.Equal((4_000, 0, 0), Count(pool));
        Assert.InRange(known.Count, 200, 1_000);
        pool.Validate();
    }

    [Fact]
    public void Owners_go_with_the_memory_of_their_blocks()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Pages are discarded on Linux only.");
        using PinnedMemoryPool<byte> pool = new(s_recycling);
        using IMemoryOwner<byte> kept = pool.Rent();              // so that the slab stays
        WeakReference[] owners = RentAndDispose(pool, 50);
        GC.Collect();
        Assert.All(owners, static owner => Assert.True(owner.IsAlive));
        _ = pool.Trim();
        GC.Collect();
        Assert.All(owners, static owner => Assert.False(owner.IsAlive));
        Assert.Equal(4_096, kept.Memory.Length);
        pool.Rent().Dispose();
    }

    /// <summary>Whoever looks for mistakes gets an owner for each rental.</summary>
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void With_an_audit_or_leaks_tracked_each_rental_has_its_own(bool tracksLeaks, bool audits)
    {
        using PinnedMemoryPool<byte> pool = new(s_recycling with { TrackLeaks = tracksLeaks, Audit = audits });
        IMemoryOwner<byte> first = pool.Rent();
        first.Dispose();
        using IMemoryOwner<byte> second = pool.Rent();
        Assert.NotSame(first, second);
        first.Dispose();
        Assert.Equal((2, 1, 1), Count(pool));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference[] RentAndDispose(PinnedMemoryPool<byte> pool, int count)
    {
        IMemoryOwner<byte>[] owners = [.. Enumerable.Range(0, count).Select(_ => pool.Rent())];
        Array.ForEach(owners, static owner => owner.Dispose());
        return [.. owners.Select(static owner => new WeakReference(owner))];
    }

    private static (long Rents, long Outstanding, long Stray) Count(PinnedMemoryPool<byte> pool)
    {
        PinnedMemoryPoolStatistics statistics = pool.GetStatistics();
        return (statistics.Rents, statistics.Outstanding, statistics.StrayDisposals);
    }
}
