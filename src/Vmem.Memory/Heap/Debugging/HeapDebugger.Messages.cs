using System.Globalization;
using Vmem.Checks;
using Vmem.Diagnostics;

namespace Vmem.Memory.Heap.Debugging;

// What was wrong, in words.
internal sealed partial class HeapDebugger
{
    private const string NothingChanged = "Nothing was changed.";

    private static string Hint(DebugBlock block) => block.Owner is null ? $"\n({nameof(HeapDebugging)}.{nameof(HeapDebugging.Owners)} tells by whom.)" : "";

    private static string DescribeAllocation(DebugBlock block) => block.Owner?.Tell("It was allocated") + Hint(block);

    private static string DescribeAttempt(AuditSite? site) => site?.Tell("The attempt was made") ?? "";

    private static string Name(DebugBlock block) => string.Create(CultureInfo.InvariantCulture, $"block of {block.Size} bytes at 0x{block.Start:x}");

    /// <summary>What this heap knows of an address in one of its live blocks; null if there is none.</summary>
    public string? DescribeOwner(nuint address)
    {
        using (_gate.EnterScope())
        {
            return !_ended && _heap.Reserves(address) && FindHolder(address) is { } block
                ? $"it lies in the {Name(block)} of heap '{_heap.Name}'. {NothingChanged}{DescribeAllocation(block)}"
                : null;
        }
    }

    private InvalidFreeException WrongSize(DebugBlock block, nuint given, AuditSite? site) =>
        new(InvalidFreeReason.WrongSize, block.Start, given,
            $"Heap '{_heap.Name}' cannot free {given} bytes at 0x{block.Start:x}: the block there has {block.Size}. {NothingChanged}{DescribeAllocation(block)}{DescribeAttempt(site)}");

    private InvalidFreeException Corrupted(DebugBlock block, nuint at, string verb, AuditSite? site) =>
        new(InvalidFreeReason.Corrupted, block.Start, block.Size,
            $"Heap '{_heap.Name}' cannot {verb} 0x{block.Start:x}, which stays allocated. {Describe(block, at).Text}{DescribeAttempt(site)}");

    private unsafe HeapDamage Describe(DebugBlock block, nuint at)
    {
        GrowthFault.ThrowIfDue();
        byte found = *(byte*)at;
        nint offset = (nint)(at - block.Start);
        HeapDamageKind kind = _live.GetValueOrDefault(block.Start) != block ? HeapDamageKind.WrittenAfterFree
            : offset < 0 ? HeapDamageKind.WrittenBefore
            : HeapDamageKind.WrittenBehind;
        string what = kind switch
        {
            HeapDamageKind.WrittenAfterFree => "was written after it had been freed",
            HeapDamageKind.WrittenBefore => "was written in front of its start",
            _ => "was written behind its end",
        };
        string text = string.Create(CultureInfo.InvariantCulture,
            $"The {Name(block)} of heap '{_heap.Name}' {what}: the byte at {offset} is 0x{found:x2}.{DescribeAllocation(block)}{block.Freer?.Tell("It was freed")}");
        return new HeapDamage(kind, block.Start, block.Size, offset, found, text);
    }

    /// <summary>Why an address cannot be freed, measured or resized. Not to be called under the lock.</summary>
    private InvalidFreeException WrongAddress(nuint address, string verb, AuditSite? site)
    {
        (InvalidFreeReason reason, string why) = Explain(address);
        if (reason == InvalidFreeReason.NotAllocated && DebuggedHeaps.TryFindOwner(address, this, out string? description))
        {
            (reason, why) = (InvalidFreeReason.OtherOwner, description);
        }

        return new InvalidFreeException(reason, address, 0, $"Heap '{_heap.Name}' cannot {verb} 0x{address:x}: {why}{DescribeAttempt(site)}");
    }

    private (InvalidFreeReason Reason, string Why) Explain(nuint address)
    {
        using (_gate.EnterScope())
        {
            ThrowIfEnded();
            if (!_heap.Reserves(address))
            {
                return (InvalidFreeReason.NotAllocated, $"it is none of this heap's addresses. {NothingChanged}");
            }

            DebugBlock? gone = _quarantine.FindHolder(address);
            if (FindHolder(address) is { } holder)
            {
                string before = gone?.Start == address ? DescribeFree(gone, "Before that, a block") : "";
                return (InvalidFreeReason.InteriorAddress,
                    $"it lies {address - holder.Start} bytes inside the {Name(holder)}. {NothingChanged}{DescribeAllocation(holder)}{before}");
            }

            if (gone is not null)
            {
                string where = gone.Start == address ? "the block there" : $"it lies {address - gone.Start} bytes inside the {Name(gone)}, which";
                return (InvalidFreeReason.AlreadyFree, $"{where} is free already. {NothingChanged}{DescribeFree(gone, "It")}{Hint(gone)}");
            }

            return _live.Values.FirstOrDefault(block => block.HoldsPadded(address)) is { } neighbour
                ? (InvalidFreeReason.InteriorAddress, $"it lies at {(nint)(address - neighbour.Start)} from the start of the {Name(neighbour)}, outside it. {NothingChanged}{DescribeAllocation(neighbour)}")
                : (InvalidFreeReason.AlreadyFree, _quarantine.RemembersAll
                    ? $"no block was ever there. {NothingChanged}"
                    : $"none of the blocks freed last was there: it was never allocated, or freed long ago. {NothingChanged}");
        }
    }

    private static string DescribeFree(DebugBlock block, string subject) =>
        block.Owner?.Tell($"{subject} had been allocated") + block.Freer?.Tell(subject == "It" ? "It was freed" : "That was freed");
}
