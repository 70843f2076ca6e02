using Xunit;

namespace Vmem.Memory.Tests.Heap;

public class HeapOptionsTests
{
    /// <summary>Before anything is taken from the system, which nobody would give back.</summary>
    [Fact]
    public void A_heap_without_a_name_or_a_clock_is_refused()
    {
        Assert.Throws<ArgumentNullException>(() => new NativeHeap(new NativeHeapOptions { Name = null! }));
        Assert.Throws<ArgumentNullException>(() => new NativeHeap(new NativeHeapOptions { TimeProvider = null! }));
    }
}
