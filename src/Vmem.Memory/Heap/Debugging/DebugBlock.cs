using Vmem.Diagnostics;

namespace Vmem.Memory.Heap.Debugging;

/// <summary>The record of one use of a block: where it lies, and who allocated and freed it.</summary>
/// <remarks>
/// Kept apart from the block, so that nothing the block's user writes can reach it. The user's bytes lie within the <em>padded block</em>,
/// which is what the heap below knows of: red zone, the user's bytes, red zone, and at its end the guard page if there is one.
/// </remarks>
internal sealed class DebugBlock
{
    public nuint Start;
    public nuint Size;                            // as asked for; at least 1
    public nuint Padded;
    public nuint PaddedSize;
    public nuint GuardPage;                       // its size; 0: there is none
    public bool IsSealed;                         // no page of it can be touched
    public AuditSite? Owner;
    public AuditSite? Freer;

    /// <summary>The first byte that cannot be the user's.</summary>
    public nuint End => Start + Size;

    /// <summary>The end of what can be touched: never before <see cref="End"/>.</summary>
    public nuint TouchableEnd => Padded + PaddedSize - GuardPage;

    public bool Holds(nuint address) => address - Start < Size;

    public bool HoldsPadded(nuint address) => address - Padded < PaddedSize;
}
