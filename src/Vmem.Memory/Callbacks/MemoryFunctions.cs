using System.Diagnostics;

namespace Vmem.Memory;

/// <summary>A heap or a client as C takes an allocator: functions that C calls, and what it hands them.</summary>
/// <remarks>
/// <para>
/// Each function takes <see cref="Context"/> first, as Lua's, zlib's and most other libraries' allocators do. A library whose functions
/// take none (SQLite's) needs a function of its own for each, which hands over a context that is kept in a static field.
/// </para>
/// <para>
/// <b>Nothing leaves a function but its result.</b> Where there is no memory, null comes back, as C expects. A call that is wrong (a block
/// that is none is freed) changes nothing; it is counted (<see cref="NativeHeapStatistics.RefusedCallbacks"/>,
/// <see cref="MemoryClientStatistics.RefusedCallbacks"/>), and told to who asked for it
/// (<see cref="NativeHeapOptions.CallbackRefused"/>, <see cref="MemoryContextOptions.CallbackRefused"/>). Once the heap or client is
/// disposed of, allocating gives null and freeing does nothing: a context is never another's.
/// </para>
/// <para>
/// Which threads may call is what the heap or client says. Having asked for the functions keeps it alive until it is disposed of. A call
/// costs what C# is entered and left for besides.
/// </para>
/// <para>Rejected: a handle of the collector as the context. Once freed it is another object's, and a late call would go there.</para>
/// </remarks>
[DebuggerDisplay("context {Context}")]
public readonly unsafe struct MemoryFunctions
{
    internal MemoryFunctions(nint context)
    {
        Context = (void*)context;
        Malloc = &CallbackFunctions.Malloc;
        Calloc = &CallbackFunctions.Calloc;
        Realloc = &CallbackFunctions.Realloc;
        Free = &CallbackFunctions.Free;
        UsableSize = &CallbackFunctions.UsableSize;
        LuaAlloc = &CallbackFunctions.LuaAlloc;
        ZAlloc = &CallbackFunctions.ZAlloc;
    }

    /// <summary>What each function takes first. It is no address.</summary>
    public void* Context { get; }

    /// <summary>(context, size) → a block, or null.</summary>
    public delegate* unmanaged<void*, nuint, void*> Malloc { get; }

    /// <summary>(context, count, size) → a block of count × size bytes, zeroed; null also if no number holds the product.</summary>
    public delegate* unmanaged<void*, nuint, nuint, void*> Calloc { get; }

    /// <summary>(context, block or null, size) → where the block is now; null if there is no memory: it is as it was then. Size 0 gives the
    /// smallest block, and frees nothing.</summary>
    public delegate* unmanaged<void*, void*, nuint, void*> Realloc { get; }

    /// <summary>(context, block or null). Also zlib's zfree.</summary>
    public delegate* unmanaged<void*, void*, void> Free { get; }

    /// <summary>(context, block or null) → how many bytes of it may be used; 0 of none.</summary>
    public delegate* unmanaged<void*, void*, nuint> UsableSize { get; }

    /// <summary>lua_Alloc: (context, block or null, its size, size) → as <see cref="Realloc"/>, but size 0 frees and gives null. The old
    /// size is not needed.</summary>
    public delegate* unmanaged<void*, void*, nuint, nuint, void*> LuaAlloc { get; }

    /// <summary>zlib's alloc_func: (context, items, size) → a block of items × size bytes, not zeroed.</summary>
    public delegate* unmanaged<void*, uint, uint, void*> ZAlloc { get; }
}
