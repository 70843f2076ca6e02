using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Window;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Which part of a heap a block comes from, and when its runs go back.</summary>
public sealed unsafe class PlainHeapTests : IDisposable
{
    private const int Megabyte = 1 << 20;

    private static readonly NativeHeapOptions s_options =
        new() { Name = "plain", Debugging = HeapDebugging.None, RetainedInterval = TimeSpan.FromHours(1) };

    private readonly OwnWindow _own = new();
    private PlainHeap? _plain;

    public void Dispose()
    {
        _plain?.Stop();
        _plain?.Dispose();
        _own.Dispose();
    }

    [Theory]
    [InlineData(32_768, 1, 0, 32_768)]
    [InlineData(32_769, 1, 1, 36_864)]
    [InlineData(24, 8, 0, 32)]
    [InlineData(100, 64, 0, 128)]
    [InlineData(100, 4_096, 0, 4_096)]
    [InlineData(100, 8_192, 1, 4_096)]
    [InlineData(20_000, 4_096, 0, 20_480)]
    public void Up_to_a_page_of_alignment_and_32_KiB_a_block_is_a_small_one(int size, int alignment, int large, int usable)
    {
        NativeHeap heap = _own.NewHeap(s_options);
        void* block = heap.AllocateAligned((nuint)size, (nuint)alignment);
        Assert.Equal((large, (nuint)usable, 0u), (heap.GetStatistics().LargeBlocks, heap.GetSize(block), (nuint)block % (nuint)alignment));
        heap.Free(block);
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
    }

    /// <summary>One that would be less than half used moves, and so does one that is no large one any more.</summary>
    [Theory]
    [InlineData(1_000, 100, 104)]
    [InlineData(1_000, 512, 1_024)]
    [InlineData(100, 200, 208)]
    [InlineData(100_000, 32_768, 32_768)]
    [InlineData(100_000, 60_000, 61_440)]
    [InlineData(36_000, 32_768, 36_864)]
    [InlineData(3 * Megabyte, 1_000, 1_024)]
    public void A_block_that_is_resized_is_as_one_of_its_size(int from, int to, int usable)
    {
        NativeHeap heap = _own.NewHeap(s_options);
        void* block = heap.Reallocate(heap.Allocate((nuint)from), (nuint)to);
        Assert.Equal((nuint)usable, heap.GetSize(block));
        Assert.Equal((1, usable > 32_768 ? 1 : 0), (heap.GetStatistics().LiveBlocks, heap.GetStatistics().LargeBlocks));
    }

    [Fact]
    public void A_block_that_becomes_shorter_touches_no_other()
    {
        NativeHeap heap = _own.NewHeap(s_options);
        nuint[] others = [.. Enumerable.Range(0, 40).Select(_ => (nuint)heap.Allocate(16))];
        foreach (nuint other in others)
        {
            new Span<byte>((void*)other, 16).Fill(7);
        }

        void* block = heap.Allocate(1_000);
        new Span<byte>(block, 1_000).Fill(9);
        heap.Free((void*)others[20]);
        void* moved = heap.Reallocate(block, 16);
        Assert.Equal(others[20], (nuint)moved);
        Assert.Equal(-1, new Span<byte>(moved, 16).IndexOfAnyExcept((byte)9));
        others[20] = others[0];
        Assert.All(others, other => Assert.Equal(-1, new Span<byte>((void*)other, 16).IndexOfAnyExcept((byte)7)));
    }

    /// <summary>Who does not ask for zeroes gets pages as they are, whatever he asks for besides.</summary>
    [Fact]
    public void Nobody_pays_for_zeroes_that_he_did_not_ask_for()
    {
        PlainHeap plain = Make(s_options);
        nuint block = Soil(plain.Take(3 * Megabyte, 1, clear: false, out _));
        plain.Free(block, size: null);
        foreach (bool mayTrim in (bool[])[false, true])
        {
            Assert.Equal(block, plain.TakePages(3 * Megabyte, mayTrim, out bool isZero));
            Assert.True(!isZero && *(byte*)block == 0xEE);
            plain.Free(block, size: null);
        }

        NativeHeap heap = _own.NewHeap(s_options with { Name = "face" });
        block = Soil((nuint)heap.Allocate(3 * Megabyte));
        heap.Free((void*)block);
        Assert.True(heap.TryAllocateAligned(3 * Megabyte, 4_096, out void* aligned));
        Assert.Equal((block, 0xEE), ((nuint)aligned, *(byte*)aligned));
    }

    [Fact]
    public void Pages_are_taken_beside_reserves_or_instead_of_them()
    {
        PlainHeap plain = Make(s_options with { Limit = 32 * Megabyte });
        plain.Free(plain.Take(Megabyte, 1, clear: false, out _), size: null);
        Assert.Equal((nuint)Megabyte, Count(plain).Cached);
        Assert.Equal(0u, plain.TakePages(32 * Megabyte, mayTrim: false, out _));
        Assert.Equal((nuint)Megabyte, Count(plain).Cached);
        Assert.NotEqual(0u, plain.TakePages(32 * Megabyte, mayTrim: true, out bool isZero));
        Assert.False(isZero);                     // of what was a run
    }

    [Fact]
    public void Only_the_magazine_of_the_class_counts_a_request()
    {
        PlainHeap plain = Make(s_options, new SampleRate(1_000_000, seed: 1));
        for (int i = 0; i < StarterArena.Share + 2; i++)
        {
            _ = plain.Take(1, 1, clear: false, out _);
        }

        foreach ((nuint size, nuint alignment, bool isCounted) in ((nuint, nuint, bool)[])
            [(0, 1, true), (16, 8, true), (16, 16, true), (200, 1, false), (16, 8_192, false), (100_000, 1, false)])
        {
            Assert.False(plain.TryEndStretch(size, alignment, out bool counts));
            Assert.Equal(isCounted, counts);
        }
    }

    /// <summary>While the heap grows by other blocks than runs: what a thread did not need since it grew last.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Idle_runs_go_back_as_a_heap_grows(bool inPlace)
    {
        PlainHeap plain = Make(s_options);
        plain.Free(plain.Take(300_000, 1, clear: false, out _), size: null);
        nuint size = 2 * Megabyte;
        nuint block = plain.Take(size, 1, clear: false, out _);
        Assert.NotEqual(0u, Count(plain).Cached);
        for (int i = 0; i < 4; i++)
        {
            nuint longer = size + Megabyte;
            Assert.True(inPlace ? plain.TryResize(block, longer, 1, out _, out _) : plain.TakeRoomy(longer) != 0);
            size = longer;
        }

        Assert.Equal(0u, Count(plain).Cached);
        plain.Validate();
    }

    [Fact]
    public void A_heap_that_has_ended_gives_and_finds_nothing()
    {
        PlainHeap plain = Make(s_options);
        nuint block = plain.Take(100, 1, clear: false, out _);
        Assert.True(plain.Owns(block));
        plain.Stop();
        plain.Dispose();
        _plain = null;
        Assert.False(plain.Owns(block) || plain.TryCount(out _));
        Assert.Throws<ObjectDisposedException>(() => plain.SizeOf(block));
        Assert.Throws<ObjectDisposedException>(() => plain.Free(block, size: null));
    }

    private static nuint Soil(nuint block)
    {
        new Span<byte>((void*)block, 3 * Megabyte).Fill(0xEE);
        return block;
    }

    private static NativeHeapStatistics Count(PlainHeap plain) =>
        plain.TryCount(out NativeHeapStatistics figures) ? figures : throw new InvalidOperationException("It has ended.");

    private PlainHeap Make(NativeHeapOptions options, SampleRate? rate = null) =>
        _plain = new PlainHeap(_own.Window, options, isDebugged: false, rate);
}
