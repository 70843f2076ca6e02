namespace Vmem.Memory;

/// <summary>What <see cref="MemoryFunctions"/> call. Any member may throw.</summary>
internal unsafe interface ICallbackTarget
{
    bool TryAllocate(nuint size, out void* block);

    bool TryAllocateZeroed(nuint size, out void* block);

    /// <summary>False if there is no memory for a longer block.</summary>
    bool TryReallocate(void* block, nuint size, out void* resized);

    void Free(void* block);

    nuint GetSize(void* block);

    /// <summary>A call threw; nobody but the target can be told.</summary>
    void NoteRefused(Exception why);
}
