using System.Buffers;
using System.Globalization;
using Xunit;

namespace Vmem.Memory.Tests.Listing;

/// <summary>Heaps, contexts and pools in the list of the process. Alone: a list keeps all of them alive, and others look whether what they
/// dropped is collected.</summary>
[Collection(nameof(Pools.MemoryMetricsTests))]
public class MemoryProcessTests
{
    [Fact]
    public void Heaps_contexts_and_pools_are_listed_until_they_end()
    {
        NativeHeap heap = new(new NativeHeapOptions { Name = "listed heap" });
        NativeMemoryPool<long> pool = new(heap, new NativeMemoryPoolOptions { Name = "listed pool" });
        MemoryContext context = new(1 << 20, new MemoryContextOptions { Name = "listed context" });
        IMemoryOwner<long> owner = pool.Rent(10);
        Assert.Contains(heap, VmemProcess.Heaps);
        Assert.Contains(context, VmemProcess.Contexts);
        PoolView view = Assert.Single(VmemProcess.Pools, view => view.Pool == pool);
        Assert.Equal(("listed pool", typeof(long), heap, 1L, 1L, 0L),
            (view.Name, view.ElementType, view.Heap, view.Rents, view.Outstanding, view.Leaks));
        Assert.Contains(VmemProcess.Arenas, static view => view.Name == "listed context");

        using StringWriter writer = new(CultureInfo.InvariantCulture);
        context.CreateClient("listed client");
        VmemProcess.Dump(writer);
        string dump = writer.ToString();
        Assert.Contains($"{Environment.NewLine}listed heap ", dump, StringComparison.Ordinal);
        Assert.Contains($"{Environment.NewLine}listed pool ", dump, StringComparison.Ordinal);
        Assert.Contains("context 'listed context' of 1048576 bytes", dump, StringComparison.Ordinal);
        Assert.Contains($"{Environment.NewLine}listed client ", dump, StringComparison.Ordinal);

        owner.Dispose();
        pool.Dispose();
        context.Dispose();
        heap.Dispose();
        Assert.DoesNotContain(heap, VmemProcess.Heaps);
        Assert.DoesNotContain(context, VmemProcess.Contexts);
        Assert.DoesNotContain(VmemProcess.Pools, view => view.Pool == pool);
    }
}
