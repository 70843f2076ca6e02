namespace Vmem.Benchmarks.Blocks;

/// <summary>
/// An allocator of memory under test, as one thread uses it. Implemented by structs, so that the JIT compiles every timed loop for each:
/// between the loop and the allocator lies no virtual call, no delegate, only what can be inlined.
/// </summary>
/// <typeparam name="TSelf">The struct itself.</typeparam>
internal unsafe interface IBlocks<TSelf> : IDisposable
    where TSelf : struct, IBlocks<TSelf>
{
    void* Allocate(nuint size);

    void Free(void* block);

    /// <summary>
    /// A space of its own beside this one, from the same stock: another client of the context, another heap, another region. Disposing of
    /// it frees all that was allocated in it. An allocator that knows no such thing returns itself, and its blocks must be freed one by
    /// one. Called by the thread that will use it.
    /// </summary>
    TSelf MakeSpace();
}

/// <summary>A piece of a study that runs on any such allocator.</summary>
/// <typeparam name="TResult">What is measured.</typeparam>
internal interface IBlockExperiment<out TResult>
{
    TResult Run<TBlocks>(Func<TBlocks> make)
        where TBlocks : struct, IBlocks<TBlocks>;
}
