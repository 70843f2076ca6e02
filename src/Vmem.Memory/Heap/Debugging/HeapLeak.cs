using System.Diagnostics;

namespace Vmem.Memory;

/// <summary>What was still live when a heap with debugging was disposed of.</summary>
/// <param name="HeapName">The heap's name.</param>
/// <param name="Blocks">How many blocks were never freed.</param>
/// <param name="Size">How many bytes had been asked for, in all.</param>
/// <param name="First">The first of them in address order, at most 16.</param>
[DebuggerDisplay("{HeapName,nq}: {Size} bytes in {Blocks} blocks")]
public sealed record HeapLeak(string HeapName, long Blocks, nuint Size, IReadOnlyList<Segment<nuint>> First)
{
    /// <summary>Who allocated what was never freed, grouped by stack; null without <see cref="HeapDebugging.Owners"/>.</summary>
    public AuditReport<nuint>? Report { get; init; }
}
