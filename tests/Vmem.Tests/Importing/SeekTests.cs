using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>Where the lowest free place is, here or below.</summary>
public class SeekTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1u, 0u, 63u, 8u)]
    [InlineData(4u, 0u, 63u, 8u)]
    [InlineData(9u, 0u, 63u, 32u)]
    [InlineData(1u, 16u, 63u, 32u)]
    [InlineData(4u, 33u, 63u, 36u)]
    [InlineData(4u, 0u, 10u, null)]
    [InlineData(33u, 0u, 63u, null)]
    [InlineData(8u, 56u, uint.MaxValue, 56u)]
    public async Task An_arena_finds_the_lowest_place_that_is_free(uint size, uint first, uint last, uint? expected)
    {
        using Arena<uint> arena = new("arena", 0, 64, 4);
        Assert.True(arena.TryAllocateAt(0, 8));
        Assert.True(arena.TryAllocateAt(16, 16));
        Assert.Equal(expected, await SeekAsync(arena, size, first, last));
        Assert.Equal(24u, arena.GetStatistics().InUse);
        if (expected is { } place)
        {
            Assert.True(arena.TryAllocateAt(place, size));
        }
    }

    [Fact]
    public async Task An_arena_without_a_span_finds_nothing_and_the_top_of_the_type_is_a_place()
    {
        using Arena<byte> empty = new("empty", 1);
        Assert.Null(await ((ISeekingArenaSource<byte>)empty).SeekAsync(1, 0, 255, Token));
        using Arena<byte> top = new("top", 250, 6, 1);
        Assert.Equal((byte)254, await ((ISeekingArenaSource<byte>)top).SeekAsync(2, 254, 255, Token));
        Assert.Null(await ((ISeekingArenaSource<byte>)top).SeekAsync(2, 255, 255, Token));
    }

    [Fact]
    public async Task The_lower_place_counts_here_or_below()
    {
        using Arena<uint> below = new("below", 0, 64, 1);
        using Arena<uint> above = new("above", 1, new ArenaOptions<uint> { Source = below });
        Assert.True(below.TryAllocateAt(0, 4));
        Assert.True(above.TryAllocateAt(8, 8));
        above.FreePart(8, 8, 8, 4);                            // [8, 12) is free above, [4, 8) and [16, 64) below
        Assert.Equal(4u, await SeekAsync(above, 1, 0, 63));
        Assert.Equal(8u, await SeekAsync(above, 1, 8, 63));
        Assert.Equal(9u, await SeekAsync(above, 1, 9, 63));
        Assert.Equal(16u, await SeekAsync(above, 5, 0, 63));
        Assert.Equal(16u, await SeekAsync(above, 1, 12, 63));
        Assert.True(above.TryAllocateAt(16, 1));
        Assert.Equal(17u, await SeekAsync(above, 1, 12, 63));
        Assert.Equal(5u, above.GetStatistics().InUse);
        Assert.Equal(13u, below.GetStatistics().InUse);
    }

    [Fact]
    public async Task A_source_of_another_quantum_is_not_asked()
    {
        using Arena<uint> below = new("below", 0, 64, 4);
        using Arena<uint> above = new("above", 1, new ArenaOptions<uint> { Source = below });
        Assert.Null(await SeekAsync(above, 1, 0, 63));
    }

    /// <summary>What the source had when it was asked has come here while it answered.</summary>
    [Fact]
    public async Task What_comes_here_meanwhile_is_found()
    {
        SlowSource source = new();
        using Arena<uint> arena = new("arena", 1, new ArenaOptions<uint> { Source = source });
        Assert.True(arena.TryAllocateAt(40, 8));
        arena.FreePart(40, 8, 44, 4);
        ValueTask<uint?> seeking = SeekAsync(arena, 2, 0, 63);
        Assert.Equal((2u, 0u, 44u), source.Asked);             // only for what is lower
        Assert.True(arena.TryAllocateAt(8, 8));
        arena.FreePart(8, 8, 8, 4);
        source.Answer.SetResult(16);
        Assert.Equal(8u, await seeking);
    }

    private static ValueTask<uint?> SeekAsync(Arena<uint> arena, uint size, uint first, uint last) =>
        ((ISeekingArenaSource<uint>)arena).SeekAsync(size, first, last, Token);

    /// <summary>Gives every place, and finds one when the test says so.</summary>
    private sealed class SlowSource : ISeekingArenaSource<uint>
    {
        public uint Quantum => 1;

        public TaskCompletionSource<uint?> Answer { get; } = new();

        public (uint Size, uint First, uint Last) Asked { get; private set; }

        public bool TryImport(uint size, in RangeConstraints<uint> constraints, out uint start, out uint imported)
        {
            (start, imported) = (constraints.Min, size);
            return true;
        }

        public void Release(uint start, uint size)
        {
        }

        public ValueTask<uint?> SeekAsync(uint size, uint first, uint last, CancellationToken cancellationToken = default)
        {
            Asked = (size, first, last);
            return new ValueTask<uint?>(Answer.Task);
        }
    }
}
