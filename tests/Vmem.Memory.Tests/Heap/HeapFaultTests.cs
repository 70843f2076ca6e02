using Vmem.Caching;
using Vmem.Memory.Tests.Platform;
using Vmem.Platform;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>System calls that fail, and tables that cannot grow: a call fails clean, and the heap is as it was.</summary>
[Collection(Footprint.Collection)]
public unsafe partial class HeapFaultTests
{
    /// <summary>Nothing that other heaps left is committed: what is asked for must be.</summary>
    public HeapFaultTests() => Footprint.Clear();

    private static readonly nuint[] s_sizes = [16, 100, 1_000, 20_000, 100_000, 3 << 20];

    /// <summary>Every commit fails once.</summary>
    [Fact]
    public void A_refused_commit_is_out_of_memory()
    {
        using NativeHeap heap = Create(megabytes: 321);
        List<nuint> blocks = [];
        int failures = 0;
        int calls = 0;
        for (int i = 0; i < 300; i++)
        {
            nuint size = s_sizes[i % s_sizes.Length];
            bool isMet;
            using (SystemCallFault.Inject(call => call == SystemCall.Commit && calls++ % 2 == 0))
            {
                isMet = heap.TryAllocate(size, out void* block);
                if (isMet)
                {
                    Pattern.Write(block, heap.GetSize(block), blocks.Count);
                    blocks.Add((nuint)block);
                }
            }

            failures += isMet ? 0 : 1;
            CheckLive(heap, blocks.Count);
        }

        Assert.True(calls > 10 && heap.GetStatistics().Failures == failures);
        CheckAndFree(heap, blocks);
    }

    [Fact]
    public void While_every_commit_is_refused_what_is_there_is_used()
    {
        using NativeHeap heap = Create(megabytes: 331);
        List<nuint> blocks = [];
        nuint first = (nuint)heap.Allocate(100);
        Pattern.Write((void*)first, 104, 0);
        blocks.Add(first);
        using (SystemCallFault.Inject(call => call == SystemCall.Commit))
        {
            while (heap.TryAllocate(1_000, out void* block))
            {
                Pattern.Write(block, heap.GetSize(block), blocks.Count);
                blocks.Add((nuint)block);
            }

            Assert.ThrowsAny<OutOfMemoryException>(() => heap.Allocate(1_000));
            Assert.ThrowsAny<OutOfMemoryException>(() => heap.Reallocate((void*)first, 4 << 20));
            Assert.ThrowsAny<OutOfMemoryException>(() => heap.AllocateAligned(100, 4 << 20));
            CheckLive(heap, blocks.Count);
        }

        Assert.True(blocks.Count > 100);
        heap.Free(heap.Allocate(1_000));
        CheckAndFree(heap, blocks);
    }

    /// <summary>A block whose next pages cannot be committed stays as long as it was.</summary>
    [Fact]
    public void A_resize_whose_commit_is_refused_changes_nothing()
    {
        using NativeHeap heap = Create(megabytes: 311);
        void* block = heap.Allocate(1 << 20);
        Pattern.Write(block, 1 << 20, 0);
        using (SystemCallFault.Inject(call => call == SystemCall.Commit))
        {
            Assert.ThrowsAny<OutOfMemoryException>(() => heap.Reallocate(block, 16 << 20));
        }

        Assert.Equal(
            (1, (nuint)1 << 20, (nuint)1 << 20),
            (heap.GetStatistics().LiveBlocks, heap.GetStatistics().InUse, heap.GetSize(block)));
        Assert.True(heap.Reallocate(block, 16 << 20) == block);
        CheckAndFree(heap, [(nuint)block], onlyFirst: 1 << 20);
    }

    /// <summary>The system will not take memory back; what it was asked for must be zero all the same.</summary>
    [Fact]
    public void A_refused_discard_is_made_up_for()
    {
        using NativeHeap heap = Create();
        void* block = heap.Allocate(1 << 20);
        new Span<byte>(block, 1 << 20).Fill(0xFF);
        heap.Free(block);
        using (SystemCallFault.Inject(call => call == SystemCall.Discard))
        {
            _ = heap.Trim();
        }

        void* zeroed = heap.AllocateZeroed(1 << 20);
        Assert.True(Pattern.IsZero(zeroed, 1 << 20));
        heap.Free(zeroed);
        heap.Validate();
    }

    /// <summary>On Windows to discard may fail altogether: the pages are then only reserved.</summary>
    [Fact]
    public void A_discard_that_throws_loses_no_pages()
    {
        ManualTime time = new();
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 302 << 20, TimeProvider = time });
        void* block = heap.Allocate(1 << 20);
        void* kept = heap.Allocate(100_000);      // in the same unit: it is discarded in part, not decommitted
        Pattern.Write(kept, 100_000, 1);
        new Span<byte>(block, 1 << 20).Fill(0xFF);
        heap.Free(block);
        int discards = 0;
        using (SystemCallFault.Inject(call =>
            call == SystemCall.Discard && ++discards > 0 ? throw new InsufficientMemoryException() : false))
        {
            time.Advance(Upkeep.Interval);
            _ = heap.Trim();
        }

        using (SystemCallFault fault = SystemCallFault.Inject(_ => false))
        {
            void* zeroed = heap.AllocateZeroed(1 << 20);
            Assert.True(Pattern.IsZero(zeroed, 1 << 20));
            Assert.Equal((1, true), (fault.Count(SystemCall.Commit), discards > 0));
            heap.Free(zeroed);
        }

        Assert.True(Pattern.Holds(kept, 100_000, 1));
        heap.Validate();
    }

    /// <summary>What the system does not decommit is discarded, and may be the next heap's.</summary>
    [Fact]
    public void A_refused_decommit_harms_nobody()
    {
        NativeHeap heap = new(new NativeHeapOptions { Limit = 200 << 20 });
        void* block = heap.Allocate(100 << 20);
        new Span<byte>(block, 100 << 20).Fill(1);        // too dirty to be kept for another heap
        using (SystemCallFault fault = SystemCallFault.Inject(call => call == SystemCall.Decommit))
        {
            heap.Dispose();
            Assert.True(fault.Failed > 0);
        }

        using NativeHeap other = new(new NativeHeapOptions { Limit = 200 << 20 });
        void* zeroed = other.AllocateZeroed(100 << 20);
        Assert.True(Pattern.IsZero(zeroed, 100 << 20));
        other.Free(zeroed);
    }

    /// <summary>Those of another length than all others have a space in which nothing is committed yet.</summary>
    private static NativeHeap Create(int megabytes = 301) => new(new NativeHeapOptions { Limit = (nuint)megabytes << 20 });

    private static void CheckLive(NativeHeap heap, int live)
    {
        heap.Validate();
        Assert.Equal(live, heap.GetStatistics().LiveBlocks);
    }

    private static void CheckAndFree(NativeHeap heap, List<nuint> blocks, nuint onlyFirst = 0)
    {
        for (int i = 0; i < blocks.Count; i++)
        {
            void* block = (void*)blocks[i];
            if (block is not null)
            {
                Assert.True(Pattern.Holds(block, onlyFirst != 0 ? onlyFirst : heap.GetSize(block), i), $"block {i}");
                heap.Free(block);
            }
        }

        CheckLive(heap, 0);
        _ = heap.Trim();
        Assert.Equal(0u, heap.GetStatistics().Held);
    }
}
