using System.Runtime.CompilerServices;
using Vmem.Diagnostics;
using Vmem.Memory.Diagnostics;
using Vmem.Memory.Heap;
using Vmem.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>What reaches below a heap's magazines is counted meanwhile: a heap in a call is not used again when it ends.</summary>
public class HeapCallTests
{
    [Fact]
    public unsafe void What_looks_below_the_magazines_is_a_call()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.None });
        _ = heap.Allocate(100);
        Action[] looks =
        [
            () => heap.GetStatistics(),
            () => heap.GetSizeClasses(),
            () => ((IMetered)heap).TryRead(0, out _),
            () => ((IDumped)heap).Write(TextWriter.Null),
            () => PassOver(heap, 0),
        ];
        foreach (Action look in looks)
        {
            int before = BegunBy(heap);
            look();
            Assert.Equal(before + 1, BegunBy(heap));
        }

        bool isUnderWay = false;
        using (SystemCallFault.Inject(call =>
        {
            isUnderWay |= call == SystemCall.CountResident && !CallsOf(heap).NoneUnderWay;
            return false;
        }))
        {
            _ = heap.GetStatistics();
        }

        Assert.True(isUnderWay && CallsOf(heap).NoneUnderWay);
    }

    /// <summary>What ends in a magazine is none. Of what a thread keeps of longer blocks each is one.</summary>
    [Fact]
    public unsafe void What_magazines_serve_reaches_no_further()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.None });
        for (int i = 0; i < 80; i++)              // past the starter arena
        {
            heap.Free(heap.Allocate(100));
        }

        heap.Free(heap.Allocate(100_000));
        int before = BegunBy(heap);
        heap.Free(heap.Allocate(100));
        heap.Free(heap.Allocate(100), 104);       // all of it
        heap.Free(heap.Reallocate(null, 100));
        heap.Free(heap.ReallocateAligned(null, 100, 8));
        Assert.Equal(before, BegunBy(heap));
        void* run = heap.Allocate(100_000);
        Assert.Equal(before + 1, BegunBy(heap));
        heap.Free(run);
        Assert.Equal(before + 2, BegunBy(heap));
    }

    // The count of calls that ever began is in the upper half.
    private static int BegunBy(NativeHeap heap) => Unsafe.As<SlowCalls, int>(ref CallsOf(heap)) >> 16;

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_calls")]
    private static extern ref SlowCalls CallsOf(NativeHeap heap);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "PassOver")]
    private static extern bool PassOver(NativeHeap heap, nuint block);
}
