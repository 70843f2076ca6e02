using System.Runtime.InteropServices;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// What the features promise of a block's bytes: when it is handed out, while it is held, when it is freed.
public sealed unsafe partial class MemoryClient
{
    private nuint UsableLength(in Block block) =>
        Has(MemoryContextFeatures.GuardBytes) ? block.Length - block.Region.SlackAt(block.Unit) : block.Length;

    private void Furnish(in Block block, nuint size, bool mustZero)
    {
        if (Has(MemoryContextFeatures.PoisonOnFree))
        {
            CheckPoison(block);
        }

        if (mustZero)
        {
            NativeMemory.Clear(AddressOf(block.Unit), block.Length);
        }

        SetGuard(block, size);
    }

    private void SetGuard(in Block block, nuint size)
    {
        if (Has(MemoryContextFeatures.GuardBytes))
        {
            Guard.Set(AddressOf(block.Unit), size, block.Length);
            block.Region.SetSlack(block.Unit, (uint)(block.Length - size));
        }
    }

    private void CheckGuard(in Block block)
    {
        if (!Has(MemoryContextFeatures.GuardBytes))
        {
            return;
        }

        nuint size = UsableLength(block);
        byte* start = AddressOf(block.Unit);
        long broken = Guard.FirstBroken(start, size, block.Length);
        if (broken >= 0)
        {
            throw new InvalidFreeException(InvalidFreeReason.Corrupted, (nuint)start, size,
                $"The block of {size} bytes at {AddressText(block.Unit)} of client '{Name}' was written past its end: byte {broken} is 0x{start[broken]:x2}. It stays allocated.");
        }
    }

    /// <summary>Makes bytes what free ones have to be.</summary>
    private void Scrub(nuint unit, nuint length)
    {
        if (Has(MemoryContextFeatures.PoisonOnFree))
        {
            NativeMemory.Fill(AddressOf(unit), length, Poison.Value);
        }
        else if (Has(MemoryContextFeatures.ZeroOnFree))
        {
            NativeMemory.Clear(AddressOf(unit), length);
        }
    }

    /// <summary>Refuses a block that was written to while it was free; it is made whole and kept, so that this is reported once.</summary>
    private void CheckPoison(in Block block)
    {
        if (!TryMendPoison(AddressOf(block.Unit), block.Length, out InvariantViolationException? written))
        {
            return;
        }

        if (block.Region.IsLarge)
        {
            ReturnRegion(block.Region);
        }
        else
        {
            PutBack((nuint)AddressOf(block.Unit));
        }

        throw written;
    }

    /// <summary>The same for the bytes that a block that grows takes in: it then stays as it was.</summary>
    private void CheckPoisonBehind(in Block block, nuint newLength)
    {
        if (TryMendPoison(AddressOf(block.Unit) + block.Length, newLength - block.Length, out InvariantViolationException? written))
        {
            TryMoveEnd(block with { Length = newLength }, block.Length);
            throw written;
        }
    }

    /// <summary>True, and an exception that says where, if bytes that should hold poison do not; now they do.</summary>
    private bool TryMendPoison(byte* start, nuint length, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out InvariantViolationException? written)
    {
        long other = Poison.FirstOther(start, length);
        if (other < 0)
        {
            written = null;
            return false;
        }

        written = new InvariantViolationException("free memory is not written to",
            $"In client '{Name}' the byte at 0x{(nuint)(start + other):x} is 0x{start[other]:x2} and not 0x{Poison.Value:x2}: it was written after its block had been freed.");
        NativeMemory.Fill(start, length, Poison.Value);
        return true;
    }
}
