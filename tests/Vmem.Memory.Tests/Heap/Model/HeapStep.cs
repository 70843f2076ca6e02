namespace Vmem.Memory.Tests.Heap.Model;

internal enum HeapStepKind
{
    Allocate,
    AllocateZeroed,
    AllocateAligned,
    TryAllocate,
    Reallocate,
    Free,
    FreeSized,
    FreeWrong,
    Ask,
    Trim,
    EndInterval,
    Verify,
    DisposeHeap,
}

/// <summary>One call. It means something in every state: numbers are taken modulo what there is.</summary>
/// <param name="Kind">What is done.</param>
/// <param name="Heap">To which heap.</param>
/// <param name="Target">Which of its blocks, where one is meant; else any number.</param>
/// <param name="Size">How long, in bytes.</param>
/// <param name="AlignShift">The base-2 logarithm of the alignment.</param>
internal readonly record struct HeapStep(HeapStepKind Kind, int Heap, int Target, int Size, int AlignShift);
