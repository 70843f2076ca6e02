using System.Runtime.CompilerServices;
using Vmem.Checks;
using Xunit;

namespace Vmem.Memory.Tests.Isolation.Concurrency;

/// <summary>What happens to a call in whose midst another thread does something.</summary>
public unsafe class MidCallTests
{
    private const int BlockSize = 64 * 1_024;

    /// <summary>The copy takes some milliseconds, in which the client's memory becomes another's.</summary>
    [Fact]
    public void A_block_that_moves_is_not_copied_into_memory_that_became_another_clients()
    {
        const int Size = 32 << 20;
        using MemoryContext context = Create(MemoryContextFeatures.None, (2 * Size) + (4 * BlockSize));
        for (int round = 0; round < 5; round++)
        {
            MemoryClient leaving = context.CreateClient("leaving");
            void* block = leaving.Allocate(Size);
            new Span<byte>(block, Size).Fill(0xAA);
            _ = leaving.Allocate(BlockSize);      // so that the block cannot grow where it is
            Thread mover = new(() =>
            {
                try
                {
                    _ = leaving.Reallocate(block, Size + BlockSize);
                }
                catch (ObjectDisposedException)
                {
                }
            });
            mover.Start();
            while (leaving.InUse < 2 * Size && mover.IsAlive)
            {
                Thread.Yield();
            }

            leaving.Dispose();
            using MemoryClient next = context.CreateClient("next");
            byte* others = (byte*)next.Allocate(context.Size);
            Span<byte> last = new(others + (2 * Size), BlockSize);
            last.Fill(0xBB);
            mover.Join();
            Assert.Equal(-1, last.IndexOfAnyExcept((byte)0xBB));
        }
    }

    /// <summary>Two find the context full, and enough of it held for nothing. Whichever of them takes that back, there is enough for
    /// both.</summary>
    [Fact]
    public void What_is_held_in_reserve_serves_all_who_need_it_at_once()
    {
        using MemoryContext context = Create(MemoryContextFeatures.ZeroOnHandOver, 2 * BlockSize);
        MemoryClient[] hoarders = [context.CreateClient("hoarder"), context.CreateClient("another")];
        int failures = 0;
        int arrived = 0;
        int begun = 0;
        Workers.Run(2, index =>
        {
            using MemoryClient client = context.CreateClient($"client-{index}");
            for (int round = 0; round < 5_000; round++)
            {
                // The last to arrive fills the context, and lets both go; nobody sleeps in between, so that they start at once.
                if (Interlocked.Increment(ref arrived) == 2)
                {
                    Array.ForEach(hoarders, hoarder => hoarder.Free(hoarder.Allocate(16)));
                    Volatile.Write(ref arrived, 0);
                    Volatile.Write(ref begun, round + 1);
                }

                while (Volatile.Read(ref begun) <= round)
                {
                    Thread.Yield();
                }

                bool isMet = client.TryAllocate(BlockSize, out void* block);
                Interlocked.Add(ref failures, isMet ? 0 : 1);
                client.Free(block);
            }
        });
        Assert.Equal(0, failures);
    }

    /// <summary>Giving a region back takes the context's lock, and a thread that waits for a lock can be interrupted.</summary>
    [Theory]
    [InlineData(BlockSize, MemoryContextFeatures.None)]
    [InlineData(BlockSize / 2, MemoryContextFeatures.None)]
    [InlineData(BlockSize / 2, MemoryContextFeatures.PoisonOnFree)]
    public void A_free_is_not_given_up_half_way(int size, MemoryContextFeatures features)
    {
        MemoryContext context = Create(features, 16 * BlockSize);       // not disposed of if the test fails: that might never end
        MemoryClient client = context.CreateClient("client");
        void* first = client.Allocate(BlockSize / 2);
        void* second = client.Allocate(BlockSize / 2);
        void* block = client.Allocate((nuint)size);
        client.Free(first);
        client.Free(second);                      // the one empty region that it may keep
        Exception? thrown = null;
        bool isInterrupted = false;
        Thread freeing = new(() =>
        {
            Thread.CurrentThread.Interrupt();
            thrown = Record.Exception(() => client.Free(block));
            isInterrupted = Record.Exception(() => Thread.Sleep(1)) is ThreadInterruptedException;
            client.Dispose();
        })
        {
            IsBackground = true,
        };
        using (GateOf(context).EnterScope())
        {
            freeing.Start();
            while (freeing.IsAlive && !freeing.ThreadState.HasFlag(ThreadState.WaitSleepJoin))
            {
                Thread.Yield();
            }
        }

        Assert.True(freeing.Join(120_000), "The client's lock was left taken.");
        Assert.Null(thrown);
        Assert.True(isInterrupted, "The interrupt was swallowed.");
        Assert.Equal(context.Size, context.GetStatistics().Free);
        context.Validate();
        context.Dispose();
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_gate")]
    private static extern ref Gate GateOf(MemoryContext context);

    private static MemoryContext Create(MemoryContextFeatures features, int size) =>
        new((nuint)size, new MemoryContextOptions { BlockSize = BlockSize, Features = features | MemoryContextFeatures.Synchronized });
}
