using Vmem.Memory.Heap;
using Vmem.Memory.Window;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Threads that use a block each do not write to one cache line of the table of live blocks.</summary>
public unsafe class FirstBatchTests
{
    private const int Line = 64;

    [Theory]
    [InlineData(16)]
    [InlineData(64)]
    [InlineData(72)]
    [InlineData(208)]
    public void Each_threads_first_blocks_have_a_line_of_their_own(int size)
    {
        using NativeHeap heap = new();
        for (int i = 0; i < 64; i++)
        {
            heap.Free(heap.Allocate((nuint)size));               // what follows comes from slabs
        }

        var lines = new List<nuint> { LineOf(heap.Allocate((nuint)size), size) };
        for (int i = 0; i < 3; i++)
        {
            var thread = new Thread(() => lines.Add(LineOf(heap.Allocate((nuint)size), size)));
            thread.Start();
            thread.Join();
        }

        Assert.Equal(lines.Count, lines.Distinct().Count());
        heap.Validate();
    }

    private static nuint LineOf(void* block, int size) =>
        (nuint)AddressWindow.Shared.States.PlaceOf((nuint)block, SizeClasses.SlotShiftOf(SizeClasses.Of((nuint)size))) / Line;
}
