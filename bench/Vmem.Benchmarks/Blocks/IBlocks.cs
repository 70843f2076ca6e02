namespace Vmem.Benchmarks.Blocks;

/// <summary>What an allocator hands out, for one to write to.</summary>
internal interface IBlock
{
    /// <summary>Writes the block's first word.</summary>
    void Write(nint value);
}

/// <summary>
/// An allocator of memory under test, as one thread uses it. Implemented by structs, and so are its blocks, so that the JIT compiles every
/// timed loop for each: between the loop and the allocator lies no virtual call, no delegate, only what can be inlined.
/// </summary>
/// <typeparam name="TSelf">The struct itself.</typeparam>
/// <typeparam name="TBlock">What it hands out. A struct even where it is only a reference: code for references is shared, and looks types
/// up while it runs.</typeparam>
internal interface IBlocks<TSelf, TBlock> : IDisposable
    where TSelf : struct, IBlocks<TSelf, TBlock>
    where TBlock : struct, IBlock
{
    /// <summary>Is it the process's, and not one of several?</summary>
    static abstract bool IsOneForAll { get; }

    TBlock Allocate(nuint size);

    void Free(TBlock block);

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
    TResult Run<TBlocks, TBlock>(Func<TBlocks> make)
        where TBlocks : struct, IBlocks<TBlocks, TBlock>
        where TBlock : struct, IBlock;
}
