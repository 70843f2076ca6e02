using System.Globalization;
using Vmem.Memory.Tests.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Heap.Debugging;

/// <summary>How many guard pages there are at most. By itself: they are the process's, and meanwhile no other heap would get any; and all
/// mappings are counted.</summary>
[Collection(Footprint.Collection)]
public unsafe class GuardPageLimitTests
{
    /// <summary>A runtime that gets no mapping ends the process: guard pages leave it half of them.</summary>
    [Fact]
    [Trait("Once", "Release")]
    public void Many_live_blocks_leave_mappings_to_the_runtime()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        HeapDebugging guards = new() { RedZone = 16, GuardPagesTo = nuint.MaxValue };
        int before = CountMappings();
        long most = long.Parse(File.ReadAllText("/proc/sys/vm/max_map_count"), CultureInfo.InvariantCulture);
        int count = (int)Math.Min(most, 66_000) / 2;
        for (int round = 0; round < 2; round++)   // what a heap had goes with it
        {
            using NativeHeap heap = new(new NativeHeapOptions { Debugging = guards });
            var blocks = new nuint[count];
            foreach (ref nuint block in blocks.AsSpan())
            {
                block = (nuint)heap.Allocate(16);
            }

            Assert.InRange(CountMappings() - before, most / 4, (most / 2) + 1_000);
            if (round == 0)
            {
                Array.ForEach(blocks, block => heap.Free((void*)block));
                Assert.InRange(CountMappings() - before, int.MinValue, most / 4);
            }
        }
    }

    /// <summary>Only guard pages that are there are counted: those that have gone must leave no mapping behind, whatever lies
    /// around.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Once", "Release")]
    public void What_guard_pages_have_cut_is_joined_again(bool huge)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        using NativeHeap heap = new(new NativeHeapOptions { HugePages = huge, Debugging = new HeapDebugging { GuardPagesTo = 16 } });
        _ = heap.Allocate(100_000);
        int before = CountMappings();
        var blocks = new nuint[2_000];
        foreach (ref nuint block in blocks.AsSpan())
        {
            block = (nuint)heap.Allocate(16);
            *(byte*)block = 1;
            _ = heap.Allocate(100_000);           // lives on, without a guard page
        }

        Assert.InRange(CountMappings() - before, blocks.Length, int.MaxValue);
        Array.ForEach(blocks, block => heap.Free((void*)block));
        Assert.InRange(CountMappings() - before, int.MinValue, blocks.Length / 4);
    }

    private static int CountMappings() => File.ReadLines("/proc/self/maps").Count();
}
