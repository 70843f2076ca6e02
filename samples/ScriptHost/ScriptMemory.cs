using Vmem.Memory;

namespace Vmem.Samples;

/// <summary>
/// The blocks of one script, all in its client's memory. What protects scripts from each other is <see cref="Open"/>: before a block is
/// used, the client is asked whether a block of its own starts there.
/// </summary>
internal sealed unsafe class ScriptMemory(MemoryContext context, MemoryClient client)
{
    // Beyond any quota, and far from overflowing a size in bytes; arbitrary.
    private const long MostItems = int.MaxValue;

    /// <param name="items">How many words.</param>
    /// <param name="zeroed">Without, the script sees what its memory holds.</param>
    public Value Allocate(long items, bool zeroed)
    {
        if (items is < 0 or > MostItems)
        {
            throw new ScriptFault($"{items} is no size", $"A block has 0 to {MostItems} items");
        }

        nuint size = (nuint)items * (nuint)sizeof(Value);
        return Value.Of(zeroed ? client.AllocateZeroed(size) : client.Allocate(size));
    }

    public Value Load(Value block, Value at) => Open(block)[Index(block, at)];

    public void Store(Value block, Value at, Value value) => Open(block)[Index(block, at)] = value;

    public long SizeOf(Value block) => Open(block).Length;

    public void Free(Value block)
    {
        _ = Open(block);
        client.Free(block.Address);
    }

    private int Index(Value block, Value at) => at.Number is >= 0 and long index && index < SizeOf(block)
        ? (int)index
        : throw new ScriptFault($"there is no item {at}", $"The block has {SizeOf(block)}, and the first is item 0");

    /// <exception cref="ScriptFault">No live block of this script starts there.</exception>
    private Span<Value> Open(Value block)
    {
        if (!block.IsReference)
        {
            throw new ScriptFault($"{block} stands where a block should", "new and raw make one");
        }

        try
        {
            return new Span<Value>(block.Address, (int)(client.GetSize(block.Address) / (nuint)sizeof(Value)));
        }
        catch (InvalidFreeException)
        {
            _ = context.TryGetClient(block.Address, out MemoryClient? owner);
            throw owner == client ? new ScriptFault("this was freed before", "Free each block once, and use it no more; set the variable to nil")
                : owner is null ? new ScriptFault("this is nobody's memory", "It was freed before, or the script that shared it has ended")
                : new ScriptFault($"this is memory of the script '{owner.Name}'", "Only that script can use and free it; share numbers instead");
        }
    }
}
