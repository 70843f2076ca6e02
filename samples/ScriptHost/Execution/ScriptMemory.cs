using Vmem.Memory;

namespace Vmem.Samples.Execution;

/// <summary>
/// The blocks of one script, all in its client's memory. What protects the scripts from each other is here, and it is little: before a block
/// is used the client is asked whether a block of its own starts there. It knows no other answer for another script's block than for one
/// that was freed.
/// </summary>
internal sealed unsafe class ScriptMemory(MemoryClient client)
{
    public MemoryClient Client { get; } = client;

    /// <summary>Bytes cleared, copied or compared since the beginning: work that one instruction can have much of.</summary>
    public long BytesHandled { get; private set; }

    public Value MakeArray(long length)
    {
        ScriptBlock block = Allocate(length, sizeof(Value), BlockKind.Array, out Value reference);
        block.Items.Clear();
        BytesHandled += length * sizeof(Value);
        return reference;
    }

    /// <summary>Bytes that nobody clears: the script sees what lies in its memory.</summary>
    public Value MakeBytes(long length)
    {
        _ = Allocate(length, sizeof(byte), BlockKind.Text, out Value reference);
        return reference;
    }

    public Value MakeText(ReadOnlySpan<byte> text, BlockKind kind = BlockKind.Text)
    {
        ScriptBlock block = Allocate(text.Length, sizeof(byte), kind, out Value reference);
        text.CopyTo(block.Bytes);
        BytesHandled += text.Length;
        return reference;
    }

    public Value Join(Value left, Value right)
    {
        int leftLength = OpenText(left).Length;
        int rightLength = OpenText(right).Length;
        ScriptBlock block = Allocate((long)leftLength + rightLength, sizeof(byte), BlockKind.Text, out Value reference);
        OpenText(left).Bytes.CopyTo(block.Bytes);
        OpenText(right).Bytes.CopyTo(block.Bytes[leftLength..]);
        BytesHandled += block.Length;
        return reference;
    }

    /// <summary>Texts are equal if they say the same, arrays if they are the same.</summary>
    public bool AreEqual(Value left, Value right)
    {
        if (left == right || !left.IsReference || !right.IsReference)
        {
            return left == right;
        }

        ScriptBlock first = Open(left);
        ScriptBlock second = Open(right);
        if (!first.IsText || !second.IsText || first.Length != second.Length)
        {
            return false;
        }

        BytesHandled += first.Length;
        return first.Bytes.SequenceEqual(second.Bytes);
    }

    public Value Load(Value reference, Value at)
    {
        ScriptBlock block = Open(reference);
        int index = Index(block, at);
        return block.IsText ? Value.Of(block.Bytes[index]) : block.Items[index];
    }

    public void Store(Value reference, Value at, Value value)
    {
        ScriptBlock block = Open(reference);
        int index = Index(block, at);
        if (block.Kind == BlockKind.Literal)
        {
            throw new ScriptFault("a text of the script itself is to be changed", "Copy it: \"\" + text is a new one");
        }

        if (!block.IsText)
        {
            block.Items[index] = value;
        }
        else
        {
            block.Bytes[index] = value.Number is >= byte.MinValue and <= byte.MaxValue and long number
                ? (byte)number
                : throw new ScriptFault($"{value} is no byte", "Bytes are 0 to 255; an array holds any number");
        }
    }

    public void Free(Value reference)
    {
        if (Open(reference).Kind == BlockKind.Literal)
        {
            throw new ScriptFault("a text of the script itself is to be freed", "Free what array, bytes, text, + and [ ] made");
        }

        Client.Free(reference.Address);
    }

    /// <summary>Frees a literal, as only the machine may.</summary>
    public void FreeLiteral(Value reference) => Client.Free(reference.Address);

    public ScriptBlock OpenText(Value reference)
    {
        ScriptBlock block = Open(reference);
        return block.IsText ? block : throw new ScriptFault("an array stands where a text should", "text(number) makes a text of a number");
    }

    /// <exception cref="ScriptFault">No live block of this script starts there.</exception>
    public ScriptBlock Open(Value reference)
    {
        if (!reference.IsReference)
        {
            throw new ScriptFault($"{reference.Kind} stands where an array or a text should", "array(n), bytes(n) and text(n) make one");
        }

        try
        {
            _ = Client.GetSize(reference.Address);
        }
        catch (InvalidFreeException)
        {
            throw NotOurs(reference);
        }

        var block = new ScriptBlock(reference.Address);
        return block.Kind != BlockKind.Stack ? block : throw NotOurs(reference);
    }

    private ScriptBlock Allocate(long length, int itemSize, BlockKind kind, out Value reference)
    {
        if (length is < 0 or > int.MaxValue)
        {
            throw new ScriptFault($"{length} is no length", "An array or a text has 0 items or more, and less than 2 thousand million");
        }

        void* address = Client.Allocate(ScriptBlock.HeaderSize + ((nuint)length * (nuint)itemSize));
        reference = Value.Of(address);
        return ScriptBlock.Create(address, kind, (int)length);
    }

    private static int Index(ScriptBlock block, Value at) => at.Number is >= 0 and long index && index < block.Length
        ? (int)index
        : throw new ScriptFault($"there is no item {at}", $"It has {block.Length}, and the first is item 0");

    private ScriptFault NotOurs(Value reference)
    {
        _ = Client.Context.TryGetClient(reference.Address, out MemoryClient? owner);
        return owner == Client ? new ScriptFault("this was freed before", "Free each block once, and use it no more; set the variable to nil")
            : owner is null ? new ScriptFault("this is nobody's memory", "It was freed before, or the script that shared it has ended")
            : new ScriptFault($"this is memory of the script '{owner.Name}'", "Only that script can use and free it; share numbers instead");
    }
}
