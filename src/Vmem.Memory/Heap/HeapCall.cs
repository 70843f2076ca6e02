namespace Vmem.Memory.Heap;

/// <summary>A call of a heap that reaches below its magazines. Whether the heap has ended is looked at within it. The heap is kept alive
/// until it ends: else the layers could end meanwhile.</summary>
/// <param name="heap">The heap.</param>
/// <param name="calls">Its calls under way.</param>
internal readonly ref struct HeapCall(NativeHeap heap, ref SlowCalls calls)
{
    private readonly NativeHeap _heap = heap;
    private readonly ref SlowCalls _calls = ref calls;
    private readonly bool _isCounted = calls.TryBegin();

    public void Dispose()
    {
        if (_isCounted)
        {
            _calls.End();
        }

        GC.KeepAlive(_heap);
    }
}
