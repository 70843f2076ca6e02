using System.Diagnostics;
using Vmem.Memory;

namespace Vmem.Samples.Execution;

/// <summary>
/// The words that a script works with: its literals, then a frame for each call, variables first, operands last. It is a block of the
/// client's like any other and grows on its quota: a recursion without end stops there.
/// </summary>
internal sealed unsafe class ScriptStack(MemoryClient client)
{
    // With the header a power of two of bytes, as blocks are; doubled and one more, it stays one. Which power is arbitrary.
    private const int FirstCapacity = 63;

    private void* _block;
    private Value* _words;
    private int _capacity;

    public int Count { get; private set; }

    public ref Value this[int index]
    {
        get
        {
            Debug.Assert((uint)index < (uint)Count, "Outside the stack.");
            return ref _words[index];
        }
    }

    /// <summary>Makes room for <paramref name="words"/> more.</summary>
    public void Reserve(int words)
    {
        if (Count + words <= _capacity)
        {
            return;
        }

        int capacity = Math.Max(Math.Max((2 * _capacity) + 1, FirstCapacity), Count + words);
        _block = client.Reallocate(_block, ScriptBlock.HeaderSize + ((nuint)capacity * (nuint)sizeof(Value)));
        _ = ScriptBlock.Create(_block, BlockKind.Stack, length: 0);
        _words = (Value*)((byte*)_block + ScriptBlock.HeaderSize);
        _capacity = capacity;
    }

    public void Push(Value value)
    {
        // Compiled code never gets here. But behind the stack lies what is another's.
        if (Count == _capacity)
        {
            throw new InvalidOperationException("The function's depth was compiled wrongly.");
        }

        _words[Count++] = value;
    }

    public Value Pop()
    {
        Debug.Assert(Count > 0, "Nothing is left.");
        return _words[--Count];
    }

    public Span<Value> PopMany(int count)
    {
        Count -= count;
        return new Span<Value>(_words + Count, count);
    }

    /// <summary>Gives up everything from <paramref name="count"/> on.</summary>
    public void CutTo(int count) => Count = count;

    public void Release()
    {
        client.Free(_block);
        _block = null;
        _capacity = 0;
        Count = 0;
    }
}
