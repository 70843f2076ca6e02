using System.Diagnostics;

namespace Vmem.Memory;

/// <summary>Where memory of a heap with debugging was written that should not have been.</summary>
public enum HeapDamageKind
{
    /// <summary>In front of a live block: an underrun.</summary>
    WrittenBefore,

    /// <summary>Behind a live block: an overrun.</summary>
    WrittenBehind,

    /// <summary>In a block that had been freed.</summary>
    WrittenAfterFree,
}

/// <summary>Memory of a heap that was written where it should not have been: the first such byte of a block.</summary>
/// <param name="Kind">Where, as seen from the block.</param>
/// <param name="Block">The block's address.</param>
/// <param name="Size">How many bytes had been asked for.</param>
/// <param name="Offset">How far behind the block's address the byte lies; negative in front of it.</param>
/// <param name="Found">What the byte was when it was looked at.</param>
/// <param name="Text">All that in words, with who allocated the block and who freed it, as far as that is known.</param>
[DebuggerDisplay("{Kind}, {Size} bytes at {Block}")]
public sealed record HeapDamage(HeapDamageKind Kind, nuint Block, nuint Size, nint Offset, byte Found, string Text)
{
    /// <summary>The damage in words.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => Text;
}
