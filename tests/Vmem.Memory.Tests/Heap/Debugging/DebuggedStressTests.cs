using System.Collections.Concurrent;
using Vmem.Diagnostics;
using Vmem.Memory.Diagnostics;
using Vmem.Memory.Tests.Isolation.Concurrency;
using Vmem.Memory.Tests.Window;
using Vmem.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Heap.Debugging;

public unsafe class DebuggedStressTests
{
    // Waited for only by a test that fails.
    private static readonly TimeSpan s_longEnough = TimeSpan.FromMinutes(1);

    /// <summary>Blocks go from thread to thread, while others look.</summary>
    [Theory]
    [InlineData("no owners")]
    [InlineData("guard pages only")]
    public void Threads_share_a_heap_with_debugging(string strategy)
    {
        using NativeHeap heap = DebugStrategies.Make(strategy);
        ConcurrentQueue<(nint Block, int Size, byte Pattern)> exchange = new();
        Workers.Run(
            4,
            worker =>
            {
                Random random = new(worker);
                for (int i = 0; i < 2_000; i++)
                {
                    int size = random.Next(1, 3_000);
                    byte* block = (byte*)heap.Allocate((nuint)size);
                    new Span<byte>(block, size).Fill((byte)i);
                    exchange.Enqueue(((nint)block, size, (byte)i));
                    if (i % 2 == worker % 2 && exchange.TryDequeue(out (nint Block, int Size, byte Pattern) other))
                    {
                        Assert.Equal(-1, new Span<byte>((void*)other.Block, other.Size).IndexOfAnyExcept(other.Pattern));
                        heap.Free((void*)other.Block, (nuint)other.Size);
                    }
                }
            },
            () =>
            {
                heap.Validate();
                _ = heap.GetStatistics();
                _ = heap.Trim();
            });
        Assert.Equal(exchange.Count, heap.GetStatistics().LiveBlocks);
        foreach ((nint block, int size, byte _) in exchange)
        {
            heap.Free((void*)block, (nuint)size);
        }

        heap.Trim();
        Assert.Equal((nuint)0, heap.GetStatistics().Held);
    }

    /// <summary>Of two threads that free the same block at once, exactly one is right, and the other is told about it.</summary>
    [Fact]
    public void A_race_of_two_frees_has_one_winner()
    {
        using NativeHeap heap = DebugStrategies.Make("no owners");
        const int Blocks = 2_000;
        nint[] blocks = [.. Enumerable.Range(0, Blocks).Select(_ => (nint)heap.Allocate(48))];
        int refused = 0;
        Workers.Run(2, _ =>
        {
            foreach (nint block in blocks)
            {
                try
                {
                    heap.Free((void*)block);
                }
                catch (InvalidFreeException refusal)
                {
                    Assert.Equal(InvalidFreeReason.AlreadyFree, refusal.Reason);
                    Assert.Contains("free already", refusal.Message, StringComparison.Ordinal);
                    _ = Interlocked.Increment(ref refused);
                }
            }
        });
        Assert.Equal((Blocks, 0), (refused, heap.GetStatistics().LiveBlocks));
        heap.Validate();
    }

    [Fact]
    public void Two_heaps_may_ask_each_other_whose_a_block_is()
    {
        using NativeHeap one = DebugStrategies.Make("default");
        using NativeHeap two = DebugStrategies.Make("default");
        void* ofOne = one.Allocate(10);
        void* ofTwo = two.Allocate(10);
        Workers.Run(2, worker =>
        {
            for (int i = 0; i < 50; i++)
            {
                InvalidFreeException refusal =
                    Assert.Throws<InvalidFreeException>(() => (worker == 0 ? one : two).Free(worker == 0 ? ofTwo : ofOne));
                Assert.Equal(InvalidFreeReason.OtherOwner, refusal.Reason);
            }
        });
    }

    /// <summary>Who finds no room trims, with the debugger's lock held; who asks for figures asks the debugger for some. Each waits for the
    /// other only if the one who asks keeps trims off meanwhile.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Figures_may_be_asked_for_while_a_request_finds_no_room(bool byCollector)
    {
        // Nothing that other heaps left is committed: some of so large a block must be. It ends only if nobody hangs in it.
        OwnWindow own = new();
        NativeHeap heap = DebugStrategies.Make("no owners", limit: 200 << 20, own: own);
        Thread asking = new(() =>
            _ = byCollector ? ((IMetered)heap).TryRead((int)HeapFigure.LiveBlocks, out _) : heap.GetStatistics().LiveBlocks == 0)
        {
            IsBackground = true,
        };
        Thread allocating = new(() =>
        {
            using SystemCallFault fault = SystemCallFault.Inject(call =>
            {
                if (asking.ThreadState.HasFlag(ThreadState.Unstarted))
                {
                    asking.Start();
                    SpinWait.SpinUntil(() => asking.ThreadState.HasFlag(ThreadState.WaitSleepJoin) || !asking.IsAlive);
                }

                return call == SystemCall.Commit;
            });
            Assert.False(heap.TryAllocate(150 << 20, out _));
        })
        { IsBackground = true };
        allocating.Start();
        Assert.True(allocating.Join(s_longEnough) && asking.Join(s_longEnough), "They wait for each other.");
        own.Dispose();
    }
}
