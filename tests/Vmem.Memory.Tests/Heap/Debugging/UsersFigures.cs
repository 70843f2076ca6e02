namespace Vmem.Memory.Tests.Heap.Debugging;

/// <summary>What a heap's figures say of its users' blocks.</summary>
/// <remarks>Not of what is kept in reserve: that goes back at the end of an interval and when memory is short, both of which may be in the
/// middle of a test.</remarks>
internal static class UsersFigures
{
    public static NativeHeapStatistics Of(NativeHeap heap) => heap.GetStatistics() with
    {
        Committed = 0,
        Resident = 0,
        Dirty = 0,
        Decommitted = 0,
        Held = 0,
        Cached = 0,
        Slabs = 0,
    };
}
