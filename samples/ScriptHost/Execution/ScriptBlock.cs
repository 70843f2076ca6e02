namespace Vmem.Samples.Execution;

internal enum BlockKind
{
    /// <summary>Items, a word each.</summary>
    Array,

    /// <summary>Bytes.</summary>
    Text,

    /// <summary>Bytes that belong to the script's text: to be read only.</summary>
    Literal,

    /// <summary>The machine's own: no script is let at it.</summary>
    Stack,
}

/// <summary>What a reference refers to: a word that says how long it is and of which kind, then the items or the bytes.</summary>
/// <remarks>The machine's stack has such a word too. A script may still hold the address of a block that it freed, and the stack may have
/// grown to that address since.</remarks>
internal readonly unsafe ref struct ScriptBlock
{
    public const int HeaderSize = sizeof(long);

    private const int KindBits = 2;

    private readonly long* _header;

    public ScriptBlock(void* address)
    {
        _header = (long*)address;
    }

    public int Length => (int)(*_header >> KindBits);

    public BlockKind Kind => (BlockKind)(*_header & ((1 << KindBits) - 1));

    public bool IsText => Kind is BlockKind.Text or BlockKind.Literal;

    public Span<byte> Bytes => new(_header + 1, Length);

    public Span<Value> Items => new(_header + 1, Length);

    public static ScriptBlock Create(void* address, BlockKind kind, int length)
    {
        *(long*)address = ((long)length << KindBits) | (long)kind;
        return new ScriptBlock(address);
    }
}
