namespace Vmem.Samples.Execution;

/// <summary>What a reference refers to: a word that says how long it is and of which kind, then the items (a word each) or the bytes.</summary>
internal readonly unsafe ref struct ScriptBlock
{
    public const int HeaderSize = sizeof(long);

    private const long TextFlag = 1;
    private const long LiteralFlag = 2;
    private const int LengthShift = 2;

    private readonly long* _header;

    public ScriptBlock(void* address)
    {
        _header = (long*)address;
    }

    public int Length => (int)(*_header >> LengthShift);

    /// <summary>Bytes, not items.</summary>
    public bool IsText => (*_header & TextFlag) != 0;

    /// <summary>Part of the script itself: it can be read only.</summary>
    public bool IsLiteral => (*_header & LiteralFlag) != 0;

    public Span<byte> Bytes => new(_header + 1, Length);

    public Span<Value> Items => new(_header + 1, Length);

    public static ScriptBlock Create(void* address, int length, bool isText, bool isLiteral)
    {
        *(long*)address = ((long)length << LengthShift) | (isText ? TextFlag : 0) | (isLiteral ? LiteralFlag : 0);
        return new ScriptBlock(address);
    }
}
