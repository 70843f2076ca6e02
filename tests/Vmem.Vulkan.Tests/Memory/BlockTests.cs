using Silk.NET.Vulkan;
using Vmem.Vulkan.Tests.Drivers;

namespace Vmem.Vulkan.Tests.Memory;

/// <summary>Blocks: when one is taken, how large it is, when it goes.</summary>
[Collection(SoftwareDeviceTests.Name)]
public class BlockTests(SoftwareDevice software)
{
    private const ulong KiB = 1024;
    private const ulong MiB = 1024 * KiB;
    private static readonly MemoryRequirements s_anyType = new() { Size = 64 * KiB, Alignment = 256, MemoryTypeBits = uint.MaxValue };

    [Fact]
    public void The_first_blocks_are_an_eighth_a_quarter_a_half()
    {
        using TestMemory test = software.NewMemory(new() { BlockSize = 4 * MiB });
        List<ulong> sizes = [];
        ulong blocks = 0;
        for (int i = 0; i < 140; i++)
        {
            test.Memory.Allocate(s_anyType, GpuResourceKind.Linear);
            ulong now = Type(test.Memory).BlockBytes;
            if (now > blocks)
            {
                sizes.Add((now - blocks) / KiB);
                blocks = now;
            }
        }

        // 8 + 16 + 32 + 64 allocations fill the first four.
        Assert.Equal([512UL, 1024, 2048, 4096, 4096], sizes);
        Assert.Equal(5, Type(test.Memory).BlockCount);
    }

    [Fact]
    public void One_empty_block_is_kept_and_Reap_gives_it_back()
    {
        using TestMemory test = software.NewMemory(new() { BlockSize = MiB });
        GpuAllocation[] all = [.. Enumerable.Range(0, 40).Select(_ => test.Memory.Allocate(s_anyType, GpuResourceKind.Linear))];
        Assert.InRange(Type(test.Memory).BlockCount, 3, 8);
        foreach (GpuAllocation allocation in all)
        {
            test.Memory.Free(allocation);
        }

        Assert.Equal(1, Type(test.Memory).BlockCount);
        Assert.Equal(Type(test.Memory).BlockBytes, test.Memory.Reap());
        Assert.Equal(0, Type(test.Memory).BlockCount);
        Assert.Equal(0UL, test.Memory.GetBudgets().Aggregate(0UL, (sum, heap) => sum + heap.BlockBytes));
    }

    [Fact]
    public void What_is_larger_than_half_a_block_gets_one_of_its_own()
    {
        using TestMemory test = software.NewMemory(new() { BlockSize = MiB });
        GpuAllocation half = test.Memory.Allocate(s_anyType with { Size = MiB / 2 }, GpuResourceKind.Linear);
        GpuAllocation more = test.Memory.Allocate(s_anyType with { Size = MiB / 2 + 64 }, GpuResourceKind.Linear);
        GpuAllocation wanted = test.Memory.Allocate(s_anyType, GpuResourceKind.Linear, new() { IsDedicated = true });
        Assert.Equal([false, true, true], new[] { half, more, wanted }.Select(allocation => allocation.IsDedicated));
        Assert.Equal(0UL, more.Offset);
        Assert.NotEqual(half.Memory, more.Memory);
        GpuTypeStatistics type = Type(test.Memory);
        Assert.Equal((3L, 3L), (type.BlockCount, type.AllocationCount));
        Assert.Equal(MiB / 2 + MiB / 2 + 64 + 64 * KiB, type.AllocationBytes);
        more.Dispose();
        Assert.Equal(2, Type(test.Memory).BlockCount);
    }

    [Fact]
    public void A_heap_limit_holds_and_smaller_blocks_are_tried_first()
    {
        using TestMemory test = software.NewMemory(new() { BlockSize = 8 * MiB, HeapLimits = [3 * MiB] });
        List<GpuAllocation> all = [];
        while (test.Memory.TryAllocate(s_anyType, GpuResourceKind.Linear, out GpuAllocation? allocation))
        {
            all.Add(allocation);
        }

        // 1 MiB, then 2; nothing is left of the limit.
        Assert.Equal(3 * MiB, Type(test.Memory).BlockBytes);
        Assert.Equal(48, all.Count);
        VulkanException full = Assert.Throws<VulkanException>(
            () => test.Memory.Allocate(s_anyType, GpuResourceKind.Linear, new() { Name = "sky" }));
        Assert.Equal(Result.ErrorOutOfDeviceMemory, full.Result);
        Assert.Contains("sky (65536 bytes)", full.Message, StringComparison.Ordinal);
        Assert.Throws<VulkanException>(() => test.Memory.CreateBuffer(64 * KiB, BufferUsageFlags.VertexBufferBit));
        test.Memory.Free(all[7]);
        Assert.True(test.Memory.TryAllocate(s_anyType, GpuResourceKind.Linear, out _));
    }

    /// <summary>Without one it would share pages with images, and with another one with nothing.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(-1)]
    public void A_kind_that_there_is_none_of_is_refused(int kind)
    {
        using TestMemory test = software.NewMemory(new() { BlockSize = 8 * MiB });
        ArgumentOutOfRangeException refused = Assert.Throws<ArgumentOutOfRangeException>(
            () => test.Memory.Allocate(s_anyType, (GpuResourceKind)kind));
        Assert.Equal(("kind", (object)(GpuResourceKind)kind), (refused.ParamName, refused.ActualValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => test.Memory.TryAllocate(s_anyType, (GpuResourceKind)kind, out _));
    }

    /// <summary>Every request has its room within the limit, whichever thread takes the blocks. One may be refused while another thread
    /// is about to bring the last block: it asks again when no other is in a call.</summary>
    [Fact]
    public void Threads_that_allocate_at_once_fill_a_limit()
    {
        const int Threads = 4;
        for (int round = 0; round < 100; round++)
        {
            using TestMemory test = software.NewMemory(new() { BlockSize = MiB, HeapLimits = [MiB] });
            using ReaderWriterLockSlim calls = new();
            int met = 0;
            using var start = new Barrier(Threads);
            Thread[] all = [.. Enumerable.Range(0, Threads).Select(_ => new Thread(() =>
            {
                start.SignalAndWait();
                for (int i = 0; i < 16 / Threads; i++)
                {
                    Interlocked.Add(ref met, TryAllocateBesideOthers(test.Memory, calls) || TryAllocateAlone(test.Memory, calls) ? 1 : 0);
                }
            }))];
            Array.ForEach(all, thread => thread.Start());
            Array.ForEach(all, thread => thread.Join());
            Assert.Equal((16, MiB), (met, Type(test.Memory).BlockBytes));
        }
    }

    [Fact]
    public void Nothing_is_taken_that_the_budget_has_no_room_for()
    {
        using TestMemory test = software.NewMemory(new() { StaysWithinBudget = true });
        GpuHeapBudget heap = test.Memory.GetBudgets()[0];
        Assert.Equal(heap.Size / 100 * 80, heap.Budget);
        Assert.Equal((0UL, 0UL), (heap.Usage, heap.BlockBytes));
        Assert.False(test.Memory.TryAllocate(s_anyType with { Size = heap.Budget + 64 }, GpuResourceKind.Linear, out _));
        Assert.Equal(0UL, test.Memory.GetBudgets()[0].Usage);
        Assert.True(test.Memory.TryAllocate(s_anyType, GpuResourceKind.Linear, out _));
        Assert.Equal(Type(test.Memory).BlockBytes, test.Memory.GetBudgets()[0].Usage);
    }

    [Fact]
    public void What_no_memory_type_is_for_is_refused_as_such()
    {
        using TestMemory test = software.NewMemory();
        VulkanException refusal = Assert.Throws<VulkanException>(
            () => test.Memory.Allocate(s_anyType, GpuResourceKind.Linear, new() { Required = MemoryPropertyFlags.ProtectedBit }));
        Assert.Equal(Result.ErrorFeatureNotPresent, refusal.Result);
        Assert.Throws<VulkanException>(() => test.Memory.Allocate(s_anyType with { MemoryTypeBits = 0 }, GpuResourceKind.Linear));
        Assert.Throws<ArgumentException>(() => test.Memory.Allocate(s_anyType with { Size = 0 }, GpuResourceKind.Linear));
        Assert.Throws<ArgumentException>(() => test.Memory.Allocate(s_anyType with { Alignment = 3 }, GpuResourceKind.Linear));
    }

    [Theory]
    [InlineData(64UL)]
    [InlineData(256UL)]
    [InlineData(65536UL)]
    public void Offsets_are_multiples_of_the_alignment(ulong alignment)
    {
        using TestMemory test = software.NewMemory(new() { BlockSize = MiB });
        for (int i = 0; i < 20; i++)
        {
            GpuAllocation odd = test.Memory.Allocate(s_anyType with { Size = 100, Alignment = 1 }, GpuResourceKind.Linear);
            GpuAllocation aligned = test.Memory.Allocate(s_anyType with { Size = 1000, Alignment = alignment }, GpuResourceKind.Linear);
            Assert.Equal(0UL, aligned.Offset % alignment);
            Assert.Equal((100UL, 1000UL), (odd.Size, aligned.Size));
        }
    }

    [Fact]
    public void Options_that_make_no_sense_are_refused() =>
        Assert.Throws<ArgumentException>(() => software.NewMemory(new() { FramesInFlight = 0 }));

    private static bool TryAllocateBesideOthers(GpuMemory memory, ReaderWriterLockSlim calls)
    {
        calls.EnterReadLock();
        bool isMet = memory.TryAllocate(s_anyType, GpuResourceKind.Linear, out GpuAllocation? _);
        calls.ExitReadLock();
        return isMet;
    }

    private static bool TryAllocateAlone(GpuMemory memory, ReaderWriterLockSlim calls)
    {
        calls.EnterWriteLock();
        bool isMet = memory.TryAllocate(s_anyType, GpuResourceKind.Linear, out GpuAllocation? _);
        calls.ExitWriteLock();
        return isMet;
    }

    private static GpuTypeStatistics Type(GpuMemory memory) => memory.GetStatistics()[0];
}
