using Vmem.Diagnostics;

namespace Vmem.Memory.Heap.Debugging;

/// <summary>The record of one use of a block: where it lies, and who allocated and freed it.</summary>
/// <remarks>
/// Kept apart from the block, so that nothing the block's user writes can reach it. The user's bytes lie within the <em>padded block</em>,
/// which is what the heap below knows of: red zone, the user's bytes, red zone, and at one end the guard page if there is one.
/// </remarks>
internal sealed class DebugBlock
{
    public nuint Start;
    public nuint Size;                            // as asked for; at least 1
    public nuint Padded;
    public nuint PaddedSize;
    public nuint GuardPage;                       // its size; 0: there is none
    public bool IsGuardInFront;                   // of the block, not behind it
    public bool IsSealed;                         // no page of it can be touched
    public AuditSite? Owner;
    public AuditSite? Freer;

    /// <summary>The first byte that cannot be the user's.</summary>
    public nuint End => Start + Size;

    /// <summary>The start of what can be touched: never behind <see cref="Start"/>.</summary>
    public nuint TouchableStart => Padded + (IsGuardInFront ? GuardPage : 0);

    /// <summary>The end of what can be touched: never before <see cref="End"/>.</summary>
    public nuint TouchableEnd => Padded + PaddedSize - (IsGuardInFront ? 0 : GuardPage);

    /// <summary>Where the guard page starts, if there is one.</summary>
    public nuint Guard => IsGuardInFront ? Padded : TouchableEnd;

    public bool Holds(nuint address) => address - Start < Size;

    public bool HoldsPadded(nuint address) => address - Padded < PaddedSize;
}
