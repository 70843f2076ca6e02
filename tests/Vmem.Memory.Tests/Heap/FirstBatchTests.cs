using Vmem.Memory.Heap;
using Vmem.Memory.Window;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Threads that use a block each do not write to one cache line of the table of live blocks.</summary>
public unsafe class FirstBatchTests
{
    private const int Threads = 4;
    private const int Line = 64;

    /// <summary>All of them live at once: a thread that comes after another's end goes on with what that one has left.</summary>
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

        nuint[] lines = new nuint[Threads];
        using Barrier turns = new(Threads);
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(place => new Thread(() =>
        {
            for (int turn = 0; turn < Threads; turn++)
            {
                lines[place] = turn == place ? LineOf(heap.Allocate((nuint)size), size) : lines[place];
                turns.SignalAndWait();
            }
        }))];
        Array.ForEach(threads, static thread => thread.Start());
        Array.ForEach(threads, static thread => thread.Join());
        Assert.Equal(Threads, lines.Distinct().Count());
        heap.Validate();
    }

    private static nuint LineOf(void* block, int size) =>
        (nuint)AddressWindow.Shared.States.PlaceOf((nuint)block, SizeClasses.SlotShiftOf(SizeClasses.Of((nuint)size))) / Line;
}
