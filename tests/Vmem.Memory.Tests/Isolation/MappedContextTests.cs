using Vmem.Memory.Tests.Blocks;
using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>A context over a memory-mapped file: what clients write is in the file.</summary>
public unsafe class MappedContextTests
{
    private const int BlockSize = 4_096;

    private static readonly MemoryContextOptions s_options = new() { BlockSize = BlockSize };

    /// <summary>Whatever the offset of the view in the file: the handle's pointer is that of its page.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(BlockSize)]
    [InlineData(10_000)]
    public void The_file_shows_what_clients_wrote(int offset)
    {
        using MappedFile file = new(16 * BlockSize, offset);
        using MemoryContext context = new(file.View, s_options);
        using MemoryClient client = context.CreateClient("client");
        Dictionary<int, byte[]> written = [];
        foreach (int size in new[] { 5, 100, 2_000, 3 * BlockSize })
        {
            byte[] text = [.. Enumerable.Range(0, size).Select(i => (byte)(i + size))];
            byte* block = (byte*)client.Allocate((nuint)size);
            text.CopyTo(new Span<byte>(block, size));
            written.Add((int)(block - (byte*)file.Start) + offset, text);
        }

        byte[] content = file.ReadFile();
        foreach ((int at, byte[] text) in written)
        {
            Assert.Equal(text, content.AsSpan(at, text.Length));
        }

        Assert.Equal(-1, content.AsSpan(0, offset).IndexOfAnyExcept(CallersBlock.Secret));
        Assert.Equal(-1, content.AsSpan(offset + (16 * BlockSize)).IndexOfAnyExcept(CallersBlock.Secret));
    }

    [Fact]
    public void The_context_lies_in_the_view()
    {
        using MappedFile file = new(16 * BlockSize, 1_000);
        using MemoryContext context = new(file.View, s_options);
        Assert.InRange((nint)context.Start, file.Start, file.Start + BlockSize - 1);
        Assert.InRange((nint)context.Start + (nint)context.Size, file.Start + (15 * BlockSize), file.Start + (16 * BlockSize));
    }

    [Fact]
    public void The_file_is_the_callers_and_stays_as_the_clients_left_it()
    {
        using MappedFile file = new(16 * BlockSize);
        using (MemoryContext context = new(file.View, s_options))
        {
            context.CreateClient("client").AllocateSpan<byte>(16 * BlockSize).Fill(0x3C);
        }

        Assert.Equal(0x3C, file.View.ReadByte(8 * BlockSize));
        Assert.Equal(16 * BlockSize, file.ReadFile().Count(value => value == 0x3C));
    }

    /// <summary>The view may be disposed of too early: the memory stays as long as the context.</summary>
    [Fact]
    public void A_view_disposed_of_too_early_does_not_take_the_memory_away()
    {
        using MappedFile file = new(16 * BlockSize);
        using MemoryContext context = new(file.View, s_options);
        using MemoryClient client = context.CreateClient("client");
        Span<byte> block = client.AllocateSpan<byte>(100);
        file.View.Dispose();
        block.Fill(1);
        Assert.Equal(100, block.Count((byte)1));
        client.Free(block);
    }
}
