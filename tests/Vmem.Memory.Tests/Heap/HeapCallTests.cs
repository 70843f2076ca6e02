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

    // The count of calls that ever began is in the upper half.
    private static int BegunBy(NativeHeap heap) => Unsafe.As<SlowCalls, int>(ref CallsOf(heap)) >> 16;

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_calls")]
    private static extern ref SlowCalls CallsOf(NativeHeap heap);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "PassOver")]
    private static extern bool PassOver(NativeHeap heap, nuint block);
}
