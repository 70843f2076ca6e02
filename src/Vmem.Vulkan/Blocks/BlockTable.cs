using Vmem.Checks;
using Vmem.Vulkan.Calls;

namespace Vmem.Vulkan.Blocks;

/// <summary>The blocks of a memory type by number. Block n has the addresses from n · 2^40 on.</summary>
/// <remarks>
/// An arena knows one line of addresses, a device has blocks that begin at 0 each. With the number of the block in the upper bits, both
/// parts of an address are a shift and a mask away; any alignment of an address is one of the offset, too; and no two blocks touch, so that
/// the rule about kinds ends with the block. Rejected: one arena for each block, as then somebody has to choose among arenas, and a
/// look for room is as long as the list of blocks.
/// </remarks>
internal sealed class BlockTable
{
    /// <summary>A block is smaller than this: more than devices have.</summary>
    public const ulong Stride = 1UL << Shift;

    private const int Shift = 40;

    private readonly Gate _gate = new();
    private MemoryBlock?[] _blocks = new MemoryBlock?[4];       // replaced when it grows; read without the gate

    /// <summary>The blocks at this moment, with their numbers.</summary>
    public IEnumerable<(int Number, MemoryBlock Block)> All
    {
        get
        {
            MemoryBlock?[] blocks = Volatile.Read(ref _blocks);
            for (int i = 0; i < blocks.Length; i++)
            {
                if (Volatile.Read(ref blocks[i]) is { } block)
                {
                    yield return (i, block);
                }
            }
        }
    }

    public static ulong OffsetOf(ulong address) => address & (Stride - 1);

    public static int NumberOf(ulong address) => (int)(address >> Shift);

    /// <summary>The block of an address that is allocated in the arena above.</summary>
    public MemoryBlock BlockOf(ulong address) => Volatile.Read(ref _blocks)[NumberOf(address)]!;

    /// <summary>Takes a block in, and says at which address it begins. What can fail fails before the block is made.</summary>
    /// <param name="make">Makes the block; null if there is none to be had.</param>
    /// <param name="start">Its first address.</param>
    public MemoryBlock? Add(Func<MemoryBlock?> make, out ulong start)
    {
        using Gate.Scope scope = _gate.EnterScope();
        int number = Array.IndexOf(_blocks, null);
        if (number < 0)
        {
            number = _blocks.Length;
            MemoryBlock?[] larger = new MemoryBlock?[number * 2];
            _blocks.CopyTo(larger, 0);
            Volatile.Write(ref _blocks, larger);
        }

        start = (ulong)number << Shift;
        MemoryBlock? block = make();
        Volatile.Write(ref _blocks[number], block);
        return block;
    }

    /// <summary>Takes a block out.</summary>
    public MemoryBlock Remove(ulong start)
    {
        using Gate.Scope scope = _gate.EnterScope();
        ref MemoryBlock? place = ref _blocks[NumberOf(start)];
        MemoryBlock block = place!;
        Volatile.Write(ref place, null);
        return block;
    }
}
