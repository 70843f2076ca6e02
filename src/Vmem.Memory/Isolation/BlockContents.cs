using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Vmem.Memory.Poisoning;

namespace Vmem.Memory.Isolation;

/// <summary>What the features promise of a block's bytes: when it is handed out, while it is held, and when it is freed.</summary>
/// <param name="client">The client's name, for messages.</param>
/// <param name="map">Where blocks lie.</param>
/// <param name="features">The context's features.</param>
internal readonly unsafe struct BlockContents(string client, ContextMap map, MemoryContextFeatures features)
{
    /// <summary>Features that have more to do for a block than to hand it out and to take it back.</summary>
    public const MemoryContextFeatures PerBlock = MemoryContextFeatures.ZeroOnAllocate | MemoryContextFeatures.ZeroOnFree |
        MemoryContextFeatures.PoisonOnFree | MemoryContextFeatures.GuardBytes | MemoryContextFeatures.Audit;

    /// <summary>How many bytes a block must be longer than the request.</summary>
    public nuint Overhead => Has(MemoryContextFeatures.GuardBytes) ? GuardBytes.Least : 0;

    /// <summary>How many bytes of a block are its user's.</summary>
    public nuint UsableLength(in Block block) =>
        Has(MemoryContextFeatures.GuardBytes) ? block.Length - block.Region.SlackAt(block.Unit) : block.Length;

    /// <summary>Makes a block ready for its user.</summary>
    /// <param name="block">Checked for poison already.</param>
    /// <param name="size">What was asked for.</param>
    /// <param name="zeroed">Whether its user asked for zeros.</param>
    /// <param name="isZeroed">Whether it holds zeros already.</param>
    public void Initialize(in Block block, nuint size, bool zeroed, bool isZeroed)
    {
        if ((zeroed || Has(MemoryContextFeatures.ZeroOnAllocate)) && !isZeroed)
        {
            NativeMemory.Clear((void*)map.AddressOf(block.Unit), block.Length);
        }

        SetGuard(block, size);
    }

    /// <summary>Makes a block that was resized ready for its user.</summary>
    /// <param name="block">The block as it is now.</param>
    /// <param name="usable">How many of its bytes were the user's before.</param>
    /// <param name="size">What was asked for.</param>
    public void Resize(in Block block, nuint usable, nuint size)
    {
        if (Has(MemoryContextFeatures.ZeroOnAllocate) && block.Length > usable)
        {
            NativeMemory.Clear((void*)(map.AddressOf(block.Unit) + usable), block.Length - usable);
        }

        SetGuard(block, size);
    }

    /// <exception cref="InvalidFreeException">The block was written past its end.</exception>
    public void CheckGuard(in Block block)
    {
        if (TryFindBroken(block, out nuint at))
        {
            nuint start = map.AddressOf(block.Unit);
            nuint size = UsableLength(block);
            throw new InvalidFreeException(InvalidFreeReason.Corrupted, start, size,
                $"The block of {size} bytes at {map.TextOf(block.Unit)} of client '{client}' was written past its end: byte {at - start} is 0x{*(byte*)at:x2}. It stays allocated.");
        }
    }

    /// <summary>The first byte of a block's guard that was overwritten; false if none was.</summary>
    public bool TryFindBroken(in Block block, out nuint at)
    {
        at = 0;
        nuint start = map.AddressOf(block.Unit);
        return Has(MemoryContextFeatures.GuardBytes) && GuardBytes.TryFindBroken(start + UsableLength(block), start + block.Length, out at);
    }

    /// <summary>Makes bytes what free ones have to be.</summary>
    public void Clear(nuint start, nuint length)
    {
        if (Has(MemoryContextFeatures.PoisonOnFree))
        {
            Pattern.Fill(start, start + length, Pattern.Freed);
        }
        else if (Has(MemoryContextFeatures.ZeroOnFree))
        {
            NativeMemory.Clear((void*)start, length);
        }
    }

    /// <summary>The first of the free bytes that does not hold poison; false if all do, or need not.</summary>
    public bool TryFindWritten(nuint start, nuint length, out nuint at)
    {
        at = 0;
        return Has(MemoryContextFeatures.PoisonOnFree) && Pattern.TryFindOther(start, start + length, Pattern.Freed, out at);
    }

    /// <summary>True, and an exception that says where, if free bytes were written to. They hold poison again, so that it is reported
    /// once.</summary>
    public bool TryMendPoison(nuint start, nuint length, [NotNullWhen(true)] out InvariantViolationException? written)
    {
        written = null;
        if (TryFindWritten(start, length, out nuint at))
        {
            written = new InvariantViolationException("free memory is not written to",
                $"In client '{client}' the byte at 0x{at:x} is 0x{*(byte*)at:x2} and not 0x{Pattern.Freed:x2}: it was written after its block had been freed.");
            Pattern.Fill(start, start + length, Pattern.Freed);
        }

        return written is not null;
    }

    private void SetGuard(in Block block, nuint size)
    {
        if (Has(MemoryContextFeatures.GuardBytes))
        {
            nuint start = map.AddressOf(block.Unit);
            GuardBytes.Set(start + size, start + block.Length);
            block.Region.SetSlack(block.Unit, (uint)(block.Length - size));
        }
    }

    private bool Has(MemoryContextFeatures feature) => (features & feature) != 0;
}
