using Vmem.Diagnostics;
using Xunit;

namespace Vmem.Memory.Tests.Heap.Debugging;

/// <summary>The stacks that a heap keeps of its owners begin in their code.</summary>
public unsafe class OwnerStackTests
{
    [Fact]
    public void The_frames_of_this_package_and_of_Vmem_are_the_librarys()
    {
        Assert.True(AuditStacks.IsLibrary(typeof(NativeHeap).Assembly.FullName!));
        Assert.True(AuditStacks.IsLibrary(typeof(Arena<>).Assembly.FullName!));
        Assert.False(AuditStacks.IsLibrary(typeof(OwnerStackTests).Assembly.FullName!));
    }

    [Fact]
    public void No_stack_begins_in_the_library()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = new HeapDebugging { Owners = true } });
        void* block = heap.Allocate(10);
        Span<int> span = heap.AllocateSpan<int>(10);
        string here = $"   at {typeof(OwnerStackTests).FullName}.{nameof(No_stack_begins_in_the_library)}(";
        Assert.All(heap.GetAuditReport().Groups, group => Assert.StartsWith(here, group.Stack));
        Assert.Equal(2, heap.GetAuditReport().Groups.Count);
        heap.Free(span);
        heap.Free(block);
    }
}
