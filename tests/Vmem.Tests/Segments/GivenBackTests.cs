using System.Runtime.InteropServices;
using Vmem.Segments;
using Vmem.Tests.Caching;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>What tables took of the C library goes back to it: the GNU one counts. No other test runs beside, but the runtime does, so
/// each must leave far more behind than that, if it leaves anything.</summary>
[Collection(nameof(Alone))]
public sealed unsafe partial class GivenBackTests
{
    private const long Noise = 4 << 20;

    [Fact]
    public void A_tree_gives_its_nodes_and_its_path_back() => Repeat(40_000, static () =>
    {
        RangeTree<uint, ByKey<uint>> tree = new();
        tree.Release();
    });

    [Fact]
    public void A_store_gives_all_its_chunks_back() => Repeat(50, static () =>
    {
        NativeStore<ulong> store = default;
        while (store.Capacity < 1 << 16)
        {
            store.Grow();
        }

        store.Release();
    });

    [Fact]
    public void A_store_of_one_chunk_gives_it_back() => Repeat(200_000, static () =>
    {
        NativeStore<ulong> store = default;
        store.Grow();
        store.Release();
    });

    [Fact]
    public void A_block_gives_its_memory_back() => Repeat(5_000, static () =>
    {
        GrowingBlock block = default;
        block.Grow(1_000, 1 << 20);
        block.Grow(3_000, 1 << 20);
        block.Release();
    });

    /// <summary>By <c>Release</c>, by <c>Shrink</c>, and as one span becomes every value of the type.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void The_tree_of_spans_goes_back(int way) => Repeat(10_000, () =>
    {
        SpanIndex<uint> spans = default;
        foreach (uint start in (uint[])[0, 100])
        {
            spans.Reserve();
            spans.Add(start, 50, 1);
        }

        switch (way)
        {
            case 0:
                break;
            case 1:
                spans.Remove(0, 50);
                spans.Shrink();
                return;
            default:
                spans.SetWhole(3);
                return;
        }

        spans.Release();
    });

    /// <summary>At their end, and when most of them must be false.</summary>
    [Fact]
    public void Milestones_go_back() => Repeat(10_000, static () =>
    {
        TagPool<uint> tags = default;
        while (!tags.HasReserved(20))
        {
            tags.Grow();
        }

        for (uint number = 0; number < 20; number++)
        {
            uint index = tags.Take();
            tags.At(index)->Start = number * 10;
            tags.At(index)->Place(index - 1, index + 1, number == 19 ? TagKind.Span : TagKind.Allocated);
        }

        Milestones<uint> milestones = default;
        uint first = 1;
        Assert.True(milestones.TryWalk(tags, ref first, 185, long.MaxValue));
        Assert.True(milestones.Bytes > 0);
        milestones.Release();
        tags.Release();
    });

    private static void Repeat(int times, Action action)
    {
        Assert.SkipUnless(TryCountTaken(out _), "Only the GNU C library counts what is taken of it.");
        action();
        _ = TryCountTaken(out long before);
        for (int time = 0; time < times; time++)
        {
            action();
        }

        _ = TryCountTaken(out long after);
        Assert.InRange(after - before, long.MinValue, Noise);
    }

    private static bool TryCountTaken(out long bytes)
    {
        bytes = 0;
        try
        {
            if (OperatingSystem.IsLinux())
            {
                Taken taken = CountTaken();
                bytes = (long)(taken.InUse + taken.Mapped);
                return true;
            }
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library, or one before 2.33.
        }

        return false;
    }

    [LibraryImport("libc", EntryPoint = "mallinfo2")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial Taken CountTaken();

    /// <summary>mallinfo2's answer.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Taken
    {
        private readonly nuint _arena;
        private readonly nuint _free;
        private readonly nuint _small;
        private readonly nuint _mappings;

        public readonly nuint Mapped;

        private readonly nuint _always0;
        private readonly nuint _smallFree;

        public readonly nuint InUse;

        private readonly nuint _freeAtAll;
        private readonly nuint _freeAtTop;
    }
}
