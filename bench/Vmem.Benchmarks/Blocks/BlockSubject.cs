namespace Vmem.Benchmarks.Blocks;

/// <summary>A line of a table of allocators of memory.</summary>
internal abstract class BlockSubject(string name)
{
    public string Name { get; } = name;

    /// <summary>Runs an experiment on this allocator, compiled for it.</summary>
    public abstract TResult Run<TResult>(IBlockExperiment<TResult> experiment);
}

/// <summary>The same for one of them.</summary>
internal sealed class BlockSubject<TBlocks, TBlock>(string name, Func<TBlocks> make) : BlockSubject(name)
    where TBlocks : struct, IBlocks<TBlocks, TBlock>
    where TBlock : struct, IBlock
{
    public override TResult Run<TResult>(IBlockExperiment<TResult> experiment) => experiment.Run<TBlocks, TBlock>(make);
}
