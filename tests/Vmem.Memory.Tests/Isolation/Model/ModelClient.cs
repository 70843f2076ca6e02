namespace Vmem.Memory.Tests.Isolation.Model;

/// <summary>A client's blocks and figures, kept in the simplest way.</summary>
internal sealed class ModelClient(string name, byte tag, nuint quota)
{
    public string Name { get; } = name;

    /// <summary>The upper four bits of every byte that this client writes.</summary>
    public byte Tag { get; } = tag;

    public nuint Quota { get; } = quota;

    public List<ModelBlock> Blocks { get; } = [];

    public nuint InUse => Blocks.Aggregate((nuint)0, (sum, block) => sum + block.Footprint);

    public nuint Peak { get; set; }

    /// <summary>The addresses of blocks freed lately, the latest last.</summary>
    public List<nint> Stale { get; } = [];
}
