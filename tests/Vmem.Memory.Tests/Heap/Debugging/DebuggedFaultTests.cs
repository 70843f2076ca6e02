using Vmem.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Heap.Debugging;

/// <summary>What remains of debugging where the system refuses to change the access to pages.</summary>
public unsafe class DebuggedFaultTests
{
    private static readonly HeapDebugging s_guarded = HeapDebugging.Firewall with { Owners = false };

    [Fact]
    public void A_block_without_its_guard_page_has_a_red_zone()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = s_guarded });
        byte* block;
        using (SystemCallFault.Inject(SystemCall.Protect, 1))
        {
            block = (byte*)heap.Allocate(100);
        }

        block[104] ^= 1;
        Assert.Equal(InvalidFreeReason.Corrupted, Assert.Throws<InvalidFreeException>(() => heap.Free(block)).Reason);
        block[104] ^= 1;
        heap.Free(block);
        block[50] ^= 1;
        Assert.Throws<InvariantViolationException>(() => heap.Trim());
        heap.Trim();
        Assert.Equal((nuint)0, heap.GetStatistics().Held);
    }

    [Fact]
    public void A_freed_block_that_can_still_be_touched_is_poisoned()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = s_guarded });
        byte* block = (byte*)heap.Allocate(100);
        using (SystemCallFault.Inject(SystemCall.Protect, 1))
        {
            heap.Free(block);
        }

        Assert.Equal(-1, new Span<byte>(block, 100).IndexOfAnyExcept((byte)0xDD));
        block[50] ^= 1;
        Assert.Throws<InvariantViolationException>(() => heap.Trim());
    }

    /// <summary>Nobody may get pages that cannot be touched: they wait in quarantine until the system has come round.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Pages_that_stay_inaccessible_are_not_handed_out(bool atCommit)
    {
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = s_guarded with { Quarantine = 0 } });
        nint[] blocks = [.. Enumerable.Range(0, 100).Select(_ => (nint)heap.AllocateZeroed(100))];
        using (SystemCallFault.Inject(call => atCommit ? call == SystemCall.Commit : call is SystemCall.Decommit or SystemCall.Unprotect))
        {
            Array.ForEach(blocks, block => heap.Free((void*)block));
            heap.Trim();
            heap.Validate();
            Assert.True(heap.GetStatistics().Quarantined >= 100 * 2 * VirtualMemory.PageSize);
        }

        heap.Trim();
        Assert.Equal(((nuint)0, (nuint)0), (heap.GetStatistics().Quarantined, heap.GetStatistics().Held));
    }

    /// <summary>Whatever call fails, at whatever moment: a block or none, and the heap is whole.</summary>
    [Theory]
    [InlineData("default")]
    [InlineData("firewall")]
    public void Random_refusals_leave_the_heap_whole(string strategy)
    {
        Random random = new(1);
        using NativeHeap heap = DebugStrategies.Make(
            strategy,
            static debugging => debugging with { Owners = false, Quarantine = 100_000 },
            limit: 16 << 20);
        List<(nint Block, int Size)> live = [];
        int refused = 0;
        using (SystemCallFault fault = SystemCallFault.Inject(call => call != SystemCall.Discard && random.Next(3) == 0))
        {
            for (int i = 0; i < 3_000; i++)
            {
                int size = random.Next(30_000);
                if (i % 50 == 0)
                {
                    _ = heap.Trim();              // what is free is decommitted, and must be committed again
                }

                if (random.Next(2) == 0 && heap.TryAllocate((nuint)size, out void* block))
                {
                    new Span<byte>(block, size).Fill(1);
                    live.Add(((nint)block, size));
                }
                else if (live.Count > 0)
                {
                    int index = random.Next(live.Count);
                    heap.Free((void*)live[index].Block, (nuint)live[index].Size);
                    live.RemoveAt(index);
                }
            }

            refused = fault.Failed;
        }

        Assert.True(refused > 0);
        heap.Validate();
        live.ForEach(block => heap.Free((void*)block.Block));
        heap.Trim();
        Assert.Equal((nuint)0, heap.GetStatistics().Held);
    }
}
