// Apache Arrow over a heap of its own: what its arrays take is limited, counted, and gone when they are disposed of.

using System.Buffers;
using System.Globalization;
using Apache.Arrow;
using Vmem.Memory;
using Vmem.Samples;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
using NativeHeap heap = new(new NativeHeapOptions { Name = "columns", Limit = 64 << 20 });
using HeapMemoryAllocator allocator = new(heap);

IEnumerable<long> numbers = Enumerable.Range(0, 1_000_000).Select(static i => (long)i * i);
using (Int64Array squares = new Int64Array.Builder().AppendRange(numbers).Build(allocator))
{
    NativeHeapStatistics figures = heap.GetStatistics();
    Console.WriteLine($"{squares.Length:N0} values, the last is {squares.GetValue(999_999):N0}");
    Console.WriteLine($"the heap holds {figures.InUse:N0} bytes in {figures.LiveBlocks} block, at a multiple of 64: {IsAligned(squares)}");
}

Console.WriteLine($"disposed of: {heap.GetStatistics().InUse:N0} bytes in {heap.GetStatistics().LiveBlocks} blocks");
using IMemoryOwner<byte> first = allocator.Allocate(40_000_000);
try
{
    using IMemoryOwner<byte> second = allocator.Allocate(40_000_000);
}
catch (OutOfMemoryException)
{
    Console.WriteLine("40 MB fit within the limit of 64 MiB, and 40 more do not");
}

static unsafe bool IsAligned(Int64Array array)
{
    fixed (long* first = array.Values)
    {
        return (nuint)first % 64 == 0;
    }
}
