namespace Vmem.Memory.Heap;

/// <summary>What lies below a heap's public face: a <see cref="PlainHeap"/>, or a <see cref="Debugging.HeapDebugger"/> around
/// one.</summary>
/// <remarks>Chosen when the heap is made. So no call asks whether there is a debugger, and the fast paths do not know of it.</remarks>
internal interface IHeapLayer
{
    /// <summary>A block; 0 if there is no memory, even after all reserves have been given up.</summary>
    /// <param name="size">In bytes; 0 gives the smallest block.</param>
    /// <param name="alignment">A power of two.</param>
    /// <param name="clear">Zeroes pages that are not zero; other memory is left to the caller.</param>
    /// <param name="isZero">True if the whole block is zero.</param>
    nuint Take(nuint size, nuint alignment, bool clear, out bool isZero);

    /// <summary>Frees a block, whose size the caller may know.</summary>
    void Free(nuint block, nuint? size);

    /// <summary>How many bytes of a block may be used.</summary>
    nuint SizeOf(nuint block);

    /// <summary>True if the address lies in a block.</summary>
    bool Owns(nuint address);

    /// <summary>Resizes a block where it lies.</summary>
    /// <param name="block">The block.</param>
    /// <param name="size">How long it is to be.</param>
    /// <param name="alignment">What its address must be a multiple of.</param>
    /// <param name="old">How long it was.</param>
    /// <param name="canStay">If it must move: true if it serves where it lies all the same.</param>
    bool TryResize(nuint block, nuint size, nuint alignment, out nuint old, out bool canStay);

    /// <summary>Takes the contents of a block to another without a copy, and frees it.</summary>
    /// <param name="block">The block.</param>
    /// <param name="moved">One that nobody has seen yet. If the result is false, what is in it is lost.</param>
    /// <param name="size">How many bytes.</param>
    /// <returns>False, and the block is as it was, if it must be copied.</returns>
    bool TryMove(nuint block, nuint moved, nuint size);

    /// <summary>Gives all reserves back to the system. Returns how many bytes that was.</summary>
    nuint Trim();

    /// <summary>Figures at this moment; false if the heap has ended.</summary>
    bool TryCount(out NativeHeapStatistics figures);

    /// <summary>Checks every invariant.</summary>
    void Validate();

    /// <summary>Gives everything back, also if it throws. Called once.</summary>
    /// <param name="reports">Whether to look for what is to be reported.</param>
    /// <returns>What to report afterwards, if anything.</returns>
    Action? End(bool reports);
}
