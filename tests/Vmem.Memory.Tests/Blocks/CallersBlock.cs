using System.Runtime.InteropServices;
using Xunit;

namespace Vmem.Memory.Tests.Blocks;

/// <summary>Native memory for a context, pre-filled as somebody's secret, between margins that nobody may touch.</summary>
internal sealed unsafe class CallersBlock : IDisposable
{
    /// <summary>What the block is filled with: a client that reads it reads what is not its own.</summary>
    public const byte Secret = 0xAB;

    // Arbitrary, but a write that misses by a cache line or a page falls into it.
    private const int Margin = 8_192;

    private readonly byte* _memory;
    private readonly int _total;

    /// <summary>A block of <paramref name="size"/> bytes that starts <paramref name="offset"/> bytes past a multiple of
    /// <paramref name="alignment"/>.</summary>
    public CallersBlock(int size, int offset = 0, int alignment = 1 << 16)
    {
        int before = (Margin + alignment - 1) / alignment * alignment;
        _total = before + offset + size + Margin;
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)_total, (nuint)alignment);
        Start = _memory + before + offset;
        Size = (nuint)size;
        new Span<byte>(_memory, _total).Fill(Secret);
    }

    public byte* Start { get; }

    public nuint Size { get; }

    public Span<byte> Span => new(Start, (int)Size);

    /// <summary>Nothing before or behind the block was written.</summary>
    public void CheckMargins()
    {
        int before = (int)(Start - _memory);
        Assert.Equal(-1, new Span<byte>(_memory, before).IndexOfAnyExcept(Secret));
        Assert.Equal(-1, new Span<byte>(Start + Size, _total - before - (int)Size).IndexOfAnyExcept(Secret));
    }

    public void Dispose() => NativeMemory.AlignedFree(_memory);
}
