using System.Runtime.CompilerServices;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>Clients of clients, what clients may hold, and quotas that change.</summary>
public unsafe class FamilyTests
{
    private const int BlockSize = 65_536;

    /// <summary>The report that this guards against: long blocks made short, again and again, held 2,000 times what was in use, and
    /// another client was refused within its quota.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_client_that_makes_long_blocks_short_takes_nothing_from_others(bool inPlace)
    {
        using MemoryContext context = new(64 << 20);
        using MemoryClient greedy = context.CreateClient("greedy", 1 << 20);
        using MemoryClient other = context.CreateClient("other", 32 << 20);
        for (int i = 0; i < 8_192; i++)
        {
            if (!greedy.TryAllocate(32 << 10, out void* block))
            {
                Assert.True(inPlace, "Blocks that are made short by Reallocate lie together.");
                Assert.Contains("scattered", Assert.Throws<ClientExhaustedException>(() => greedy.Allocate(32 << 10)).Message);
                break;
            }

            _ = inPlace ? greedy.TryResize(block, 16) : greedy.Reallocate(block, 16) != null;
        }

        Assert.InRange(greedy.Held, 1u, 2u << 20);
        for (int i = 0; i < 500; i++)
        {
            Assert.True(other.TryAllocate(60_000, out _), "It is within its quota.");
        }

        context.Validate();
    }

    [Fact]
    public void A_quota_can_change_and_takes_nothing_away()
    {
        using MemoryContext context = new(64 << 20);
        using MemoryClient client = context.CreateClient("client");
        List<nint> blocks = [];
        for (int i = 0; i < 64; i++)
        {
            blocks.Add((nint)client.Allocate(1_024));
        }

        client.Quota = 10 * 1_024;
        Assert.Equal((nuint)(10 * 1_024), client.Quota);
        Assert.False(client.TryAllocate(16, out _));
        for (int i = 0; i < 54; i++)
        {
            client.Free((void*)blocks[i]);
            Assert.False(client.TryAllocate(16, out _), $"{client.InUse} is in use.");
        }

        Assert.False(client.TryResize((void*)blocks[^1], 2_048));
        client.Free((void*)blocks[54]);
        Assert.True(client.TryAllocate(1_024, out _));
        Assert.False(client.TryAllocate(16, out _));
        client.Quota = 0;
        Assert.True(client.TryAllocate(1 << 20, out _));
        client.Dispose();
        Assert.Throws<ObjectDisposedException>(() => client.Quota = 1);
    }

    [Fact]
    public void What_children_hold_counts_with_the_parent()
    {
        using MemoryContext context = new(64 << 20);
        using MemoryClient parent = context.CreateClient("parent", 4 * BlockSize);
        MemoryClient child = parent.CreateClient("child");
        MemoryClient grandchild = child.CreateClient("grandchild");
        grandchild.Allocate(100);
        Assert.Equal(((nuint)BlockSize, (nuint)BlockSize, (nuint)BlockSize), (grandchild.Held, child.Held, parent.Held));
        Assert.Equal((nuint)BlockSize, parent.InUse);

        // Whatever a plug-in sets, the parent's quota holds.
        child.Quota = nuint.MaxValue;
        grandchild.Quota = 0;
        Assert.True(grandchild.TryAllocate(3 * BlockSize, out void* large));
        Assert.False(child.TryAllocate(16, out _));
        Assert.False(parent.TryAllocate(16, out _));
        ClientExhaustedException refusal = Assert.Throws<ClientExhaustedException>(() => grandchild.Allocate(BlockSize));
        Assert.True(refusal.QuotaExceeded);
        Assert.Contains("'parent', of which it is a part,", refusal.Message);
        context.Validate();

        grandchild.Free(large);
        Assert.True(child.TryAllocate(16, out _));
        child.Dispose();
        Assert.True(grandchild.IsDisposed);
        Assert.Equal(((nuint)0, (nuint)0), (parent.InUse, parent.Held));
        Assert.Equal(1, context.GetStatistics().Clients);
        context.Validate();
    }

    [Fact]
    public void Children_end_with_their_parents_reset_release_and_end()
    {
        using MemoryContext context = new(64 << 20);
        MemoryClient parent = context.CreateClient("parent");
        MemoryClient before = parent.CreateClient("before");
        before.Allocate(1_000);
        MemoryMark mark = parent.Mark();
        MemoryClient since = parent.CreateClient("since");
        since.Allocate(1_000);
        parent.Release(mark);
        Assert.Equal((false, true), (before.IsDisposed, since.IsDisposed));
        parent.Reset();
        Assert.True(before.IsDisposed);
        MemoryClient last = parent.CreateClient("last");
        parent.Dispose();
        Assert.True(last.IsDisposed);
        Assert.Equal(((nuint)0, 0L), (context.GetStatistics().InUse, context.GetStatistics().Clients));
        Assert.Throws<ObjectDisposedException>(() => parent.CreateClient("late"));
    }

    /// <summary>A child that ends by itself leaves nothing behind in its parent.</summary>
    [Fact]
    public void Many_children_in_turn_leave_nothing()
    {
        using MemoryContext context = new(64 << 20);
        using MemoryClient parent = context.CreateClient("parent");
        WeakReference first = Make(parent);
        for (int i = 0; i < 1_000; i++)
        {
            _ = Make(parent);
        }

        GC.Collect();
        Assert.False(first.IsAlive);
        Assert.Equal((nuint)0, parent.Held);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Make(MemoryClient parent)
        {
            using MemoryClient child = parent.CreateClient("child");
            child.Allocate(100);
            return new WeakReference(child);
        }
    }

    [Fact]
    public void A_parent_that_ends_while_a_child_is_ending_counts_on()
    {
        using MemoryContext context = new(64 << 20);
        MemoryClient parent = context.CreateClient("parent");
        MemoryClient child = parent.CreateClient("child");
        child.Allocate(100);
        parent.Allocate(100);
        child.RegisterCleanup(parent.Dispose);
        child.Dispose();
        Assert.Equal((true, true), (parent.IsDisposed, child.IsDisposed));
        Assert.Equal(((nuint)0, (nuint)0, (nuint)0), (parent.InUse, parent.Held, context.GetStatistics().InUse));
        context.Validate();
    }

    /// <summary>"Fails only if nothing fits" holds in a family: what a child keeps in reserve comes back before its parent is
    /// refused.</summary>
    [Fact]
    public void What_a_child_keeps_in_reserve_is_not_in_its_parents_way()
    {
        using MemoryContext context = new(64 << 20);
        using MemoryClient parent = context.CreateClient("parent", 4 * BlockSize);
        MemoryClient child = parent.CreateClient("child");
        child.Free(child.Allocate(100));
        Assert.True(parent.TryAllocate(4 * BlockSize, out _));
        Assert.Equal(0, parent.GetStatistics().Failures);
    }

    /// <summary>By seed: families of clients that come and go, quotas that change, cleanups, against what each is known to have
    /// allocated.</summary>
    [Theory]
    [InlineData(MemoryContextFeatures.None)]
    [InlineData(MemoryContextFeatures.Synchronized)]
    public void Families_keep_their_books(MemoryContextFeatures features)
    {
        for (int seed = 0; seed < Night.Scaled(30); seed++)
        {
            Random random = new(seed);
            using MemoryContext context = new(256 * 4_096, new MemoryContextOptions { BlockSize = 4_096, Features = features });
            List<(MemoryClient Client, List<nint> Blocks)> family = [(context.CreateClient("root"), [])];
            int registered = 0;
            int run = 0;
            for (int step = 0; step < 1_000; step++)
            {
                (MemoryClient client, List<nint> blocks) = family[random.Next(family.Count)];
                switch (random.Next(20))
                {
                    case < 9:
                        int size = random.Next(random.Next(2) == 0 ? 100 : 10_000);
                        if (client.TryAllocate((nuint)size, out void* block))
                        {
                            Assert.True(client.Quota == 0 || client.InUse <= client.Quota);
                            blocks.Add((nint)block);
                        }

                        break;
                    case < 14 when blocks.Count > 0:
                        client.Free((void*)blocks[^1]);
                        blocks.RemoveAt(blocks.Count - 1);
                        break;
                    case 14:
                        family.Add((client.CreateClient($"child {step}", (nuint)random.Next(100_000)), []));
                        break;
                    case 15:
                        client.Quota = (nuint)random.Next(200_000);
                        break;
                    case 16:
                        registered++;
                        client.RegisterCleanup(() => run++);
                        break;
                    case 17 when client != family[0].Client:
                        client.Dispose();
                        break;
                    case 18 when random.Next(4) == 0:
                        client.Reset();
                        blocks.Clear();
                        break;
                    case 19:
                        _ = client.Trim();
                        break;
                }

                family.RemoveAll(member => member.Client.IsDisposed);
                Assert.Equal(family.Count, context.GetStatistics().Clients);
                foreach ((MemoryClient member, List<nint> its) in family)
                {
                    Assert.Equal(its.Count, member.GetStatistics().LiveBlocks);
                }

                context.Validate();
            }

            context.Dispose();
            Assert.Equal(registered, run);
        }
    }

    [Fact]
    public void Threads_use_children_while_their_parent_is_reset()
    {
        using MemoryContext context = new(64 << 20, new MemoryContextOptions { Features = MemoryContextFeatures.Synchronized });
        using MemoryClient parent = context.CreateClient("parent", 16 << 20);
        Parallel.For(0, 4, thread =>
        {
            Random random = new(thread);
            for (int round = 0; round < 300; round++)
            {
                if (thread == 0)
                {
                    parent.Reset();
                    using MemoryClient other = context.CreateClient("other parent", 16 << 20);
                    MemoryClient its = other.CreateClient("its child");
                    its.Allocate(1_000);
                    Parallel.Invoke(its.Dispose, other.Dispose);
                    Assert.Equal((nuint)0, its.InUse);
                    continue;
                }

                try
                {
                    using MemoryClient child = parent.CreateClient("child", 4 << 20);
                    for (int i = 0; i < 50; i++)
                    {
                        _ = child.TryAllocate((nuint)random.Next(100_000), out _);
                    }
                }
                catch (ObjectDisposedException)
                {
                    // Its parent was reset meanwhile.
                }
            }
        });
        parent.Reset();
        context.Validate();
        Assert.Equal(((nuint)0, (nuint)0, 1L), (parent.InUse, context.GetStatistics().InUse, context.GetStatistics().Clients));
    }
}
