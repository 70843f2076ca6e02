using System.Diagnostics;
using Vmem.Memory.Heap.Debugging;

namespace Vmem.Memory;

/// <summary>What a <see cref="NativeHeap"/> does to find mistakes in its use: libumem's UMEM_DEBUG. Chosen when the heap is made.</summary>
/// <remarks>
/// A heap without debugging finds wrong frees, too. With any debugging at all, be it only the count of leaks, it finds also a size that is
/// too small, and two threads that free one block at once. <see cref="NativeHeap.GetSize"/> is then what was asked for, to the
/// byte, and 1 for nothing. With <see cref="Sample"/> all that holds for samples only. What the rest finds and costs: docs/diagnostics.md.
/// </remarks>
[DebuggerDisplay("owners: {Owners}, red zones {RedZone}, quarantine {Quarantine}, sample {Sample}")]
public sealed record HeapDebugging
{
    internal const nuint MostRedZone = 1 << 20;   // arbitrary

    /// <summary>None, whatever the environment says: a heap at full speed.</summary>
    public static HeapDebugging None { get; } = new();

    /// <summary>Owners, red zones of 16 bytes, fresh and freed blocks filled, and 16 MiB of quarantine (UMEM_DEBUG=default: audit,
    /// contents, guards).</summary>
    public static HeapDebugging Default { get; } = new()
    {
        Owners = true,
        RedZone = 16,
        FillFresh = true,
        PoisonFreed = true,
        Quarantine = 16 << 20
    };

    /// <summary><see cref="Default"/>, and each block ends at a page that faults: the processor finds an overrun, and a use after free, at
    /// the instruction that does it. Two pages at least for a block.</summary>
    public static HeapDebugging Firewall { get; } = Default with { GuardPagesTo = nuint.MaxValue };

    /// <summary>What the environment variable <c>VMEM_DEBUG</c> says, as it was when this was first asked for; <see cref="None"/> if it is
    /// not set. It holds for the heaps whose options say nothing.</summary>
    /// <remarks>A list with commas, in libumem's words: <c>default</c>; <c>audit</c> (owners); <c>contents</c> (fill, poison);
    /// <c>guards</c> or
    /// <c>guards=BYTES</c> (red zones); <c>exact</c> (<see cref="ExactGuards"/>); <c>quarantine=BYTES</c>; <c>firewall</c>,
    /// <c>firewall=FROM</c> or <c>firewall=FROM-TO</c> (guard
    /// pages); <c>sample</c> or <c>sample=N</c> (one block in N has all checks, 1,000 unless said); <c>leaks</c>
    /// (a disposed heap writes what leaked, and what was overwritten, to standard error); <c>none</c>. Bytes may end in K, M or G;
    /// <c>guards</c> has at most 1M.</remarks>
    /// <exception cref="FormatException">The variable holds something else.</exception>
    public static HeapDebugging FromEnvironment => DebugVariable.Value;

    /// <summary>Keeps for each block who allocated it, from what stack, on which thread and when, and for those freed last who did that.
    /// Some tens of microseconds a call.</summary>
    public bool Owners { get; init; }

    /// <summary>Bytes on either side of each block that nobody should write; rounded up to a multiple of 16, and behind the block to its
    /// memory's end. Looked at when the block is freed or resized, and by <see cref="NativeHeap.Validate"/>. 0: none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More than 1 MiB.</exception>
    public nuint RedZone
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MostRedZone);
            field = value;
        }
    }

    /// <summary>Fills fresh blocks with 0xCD, so that nobody can rely on what they hold.</summary>
    public bool FillFresh { get; init; }

    /// <summary>Fills freed blocks with 0xDD; while they are in quarantine, a write to them is found when they leave it.</summary>
    public bool PoisonFreed { get; init; }

    /// <summary>How many bytes of freed blocks are kept from being handed out again, those freed first leaving first. They count against
    /// the heap's limit, and are given up before a request fails. 0: none.</summary>
    public nuint Quarantine { get; init; }

    /// <summary>The smallest block that ends at a guard page.</summary>
    public nuint GuardPagesFrom { get; init; }

    /// <summary>The largest block that ends at a guard page; 0: none does.</summary>
    /// <remarks>Up to 15 bytes lie between, for the sake of alignment, unless <see cref="ExactGuards"/> is set; they are a red zone. In
    /// quarantine, the whole block is inaccessible. Blocks aligned to more than a page have no guard page, nor has any where guard pages
    /// take half of the mappings that a process may have (vm.max_map_count: some 16,000 blocks), or the system has none left: red zones
    /// remain.</remarks>
    public nuint GuardPagesTo { get; init; }

    /// <summary>Blocks with a guard page behind them end exactly there: one byte too many is a fault at once, where else up to 15 bytes are
    /// only looked at when the block is freed. The price: such a block starts at any address, unless an alignment is asked for (Electric
    /// Fence's EF_ALIGNMENT=0). For code that takes no alignment for granted, and processors that do not.</summary>
    public bool ExactGuards { get; init; }

    /// <summary>One block in so many is a sample, chosen at random: it has a guard page in front or behind, nothing can touch it once it is
    /// freed, and the stacks of its allocation and free are kept. All other blocks are those of a heap without debugging. For a heap at
    /// work: GWP-ASan's way. 0: every block has the checks that are chosen here, and no others.</summary>
    /// <remarks>
    /// <para>
    /// <see cref="Owners"/>, <see cref="RedZone"/> of 16 at least, <see cref="PoisonFreed"/> and guard pages for all sizes are set for the
    /// samples, whatever is chosen. <see cref="NativeHeap.GetAuditReport"/>, <see cref="Leaked"/> and <see cref="Damaged"/> are about
    /// samples only. A free of a sample with a size that is too small is no mistake, as it is none of another block.
    /// </para>
    /// <para>
    /// There are at most 1,000 samples in a heap at a time, live and in quarantine, and they take at most a thirty-second of its limit: the
    /// one freed first makes room for the next. A sample costs some 15 µs, nearly all for the stacks. So after it none is taken until 64
    /// times that has passed: a heap that hands out many millions of blocks a second has fewer samples, not less speed. (Not limited so
    /// with a <see cref="NativeHeapOptions.TimeProvider"/> of one's own.)
    /// </para>
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int Sample
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    }

    /// <summary>Called by <see cref="NativeHeap.Dispose"/> when blocks are still live, after everything has been given back; and when the
    /// process ends, for a heap that has not, <see cref="NativeHeap.Shared"/> above all. Not for one that was dropped and has been
    /// collected. Null: nobody wants to know.</summary>
    public Action<HeapLeak>? Leaked { get; init; }

    /// <summary>Called by <see cref="NativeHeap.Dispose"/>, after everything has been given back, for each block around or in which
    /// something is then found written that should not be. Null: nobody wants to know.</summary>
    public Action<HeapDamage>? Damaged { get; init; }
}
