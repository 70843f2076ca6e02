using System.Diagnostics;

namespace Vmem.Leasing;

/// <summary>A lease as its holder names it. Session and fence together are what no other holder can name (R8).</summary>
/// <param name="Arena">The arena.</param>
/// <param name="Session">The holder.</param>
/// <param name="Start">The first value.</param>
/// <param name="Size">How many there are.</param>
/// <param name="Fence">Larger than that of every earlier lease of any of the values.</param>
/// <param name="Request">The request that it was granted for.</param>
[DebuggerDisplay("{Size} at {Start} of arena {Arena}, fence {Fence}")]
public sealed record LeaseClaim(int Arena, Guid Session, UInt128 Start, UInt128 Size, long Fence, Guid Request);
