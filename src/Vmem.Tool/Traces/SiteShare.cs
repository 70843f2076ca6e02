namespace Vmem.Tool.Traces;

/// <summary>What a site has of something: of the live bytes, of the holes.</summary>
/// <remarks>A class, although small: the collections of it are then those that the runtime brings compiled.</remarks>
/// <param name="site">An index into the <see cref="StackTable"/>.</param>
internal sealed class SiteShare(int site)
{
    public int Site => site;

    public ulong Bytes { get; set; }

    /// <summary>Of blocks, or of holes.</summary>
    public long Count { get; set; }
}
