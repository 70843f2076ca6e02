namespace Vmem.Space;

/// <summary>What a free has to look at beyond the map. With none of them a free ends when the map has changed.</summary>
[Flags]
internal enum Sequel : byte
{
    None = 0,

    /// <summary>The arena has a source: a span may have become wholly free, and may have to go back.</summary>
    Imports = 1,

    /// <summary>A request waits for room, here or in an arena above.</summary>
    Watchers = 2,

    /// <summary>An audit keeps who allocated and who freed.</summary>
    Audit = 4,

    /// <summary>A recording is under way.</summary>
    Recording = 8,

    /// <summary>The arena is over all values of its type: with the last free nothing is left that has a size.</summary>
    Whole = 16,

    /// <summary>Whatever is freed rests first.</summary>
    Rest = 32,

    /// <summary>A span drains: what is freed in it is withdrawn.</summary>
    Draining = 64,
}
