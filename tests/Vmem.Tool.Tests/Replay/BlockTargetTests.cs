using System.Runtime.InteropServices;
using Vmem.Tool.Blocks;
using Vmem.Tool.Replay;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Tests.Replay;

/// <summary>Replays through real memory: blocks are there, are written to, and come back.</summary>
public sealed unsafe class BlockTargetTests
{
    private const ulong Page = 4096;

    [Fact]
    public void Every_page_of_a_block_is_written_to_and_every_block_is_freed_once()
    {
        var allocator = new WatchedAllocator();
        TraceReport report = ReplayText.Report("a 1 100\na 2 10000\nf 1\na 3 0\na 4 65536\na 5 4097\nf 5\n", new BlockTarget(allocator));
        Assert.Equal((0L, true), (report.Policies[0].Failures, allocator.IsDisposed));
        Assert.Empty(allocator.Live);
        // Each size was asked for once to be known, and then as often as the recording says; nobody writes to the former, nor to nothing.
        Assert.Equal(6, allocator.Untouched);
        Assert.Equal(10, allocator.Freed);
    }

    [Fact]
    public void Figures_are_of_what_the_allocator_gave()
    {
        PolicyReport report = ReplayText.Report("a 1 100\na 2 28\nf 1\n", new BlockTarget(new WatchedAllocator())).Policies[0];
        Assert.Equal((128UL, 32UL), (report.PeakLiveBytes - report.PeakInternalWasteBytes, report.PeakInternalWasteBytes));
        Assert.Equal((160UL, 4UL), (report.RangeBytes, report.FinalInternalWasteBytes));
        Assert.Equal((null, null), (report.PeakResidentBytes, report.Map));
    }

    [Fact]
    public void What_finds_no_memory_is_counted_and_left_out()
    {
        PolicyReport report = ReplayText.Report("a 1 100\na 2 5000000\nf 2\nf 1\na 3 18446744073709551615\n", new BlockTarget(new WatchedAllocator { Largest = 1 << 20 })).Policies[0];
        Assert.Equal((2L, 128UL), (report.Failures, report.PeakLiveBytes));
    }

    /// <summary>It holds no more for more sizes; and where the allocator has changed its mind meanwhile, what goes is what came.</summary>
    [Fact]
    public void A_recording_of_ever_new_sizes_is_not_kept()
    {
        var allocator = new WatchedAllocator();
        var target = new BlockTarget(allocator);
        string text = "a 0 100\n" + string.Concat(Enumerable.Range(1, 2 * BlockTarget.MostSizes).Select(size => $"a 1 {size}\nf 1\n")) + "f 0\n";
        allocator.Heed = () => allocator.Rounding = target.KnownSizes == BlockTarget.MostSizes ? 4096 : allocator.Rounding;
        using TraceReplay replay = ReplayText.Open(text, target);
        replay.Run(TestContext.Current.CancellationToken);
        Assert.InRange(target.KnownSizes, 1, BlockTarget.MostSizes);
        Assert.Equal((4096, 0UL), (allocator.Rounding, replay.Lanes[0].FinalInternalWaste));
        Assert.Equal(0UL, target.GetFigures().InUse);
    }

    [Fact]
    public void Ctrl_C_is_answered_between_two_events_of_a_batch()
    {
        using var user = new CancellationTokenSource();
        var allocator = new WatchedAllocator { Heed = user.Cancel };
        using TraceReplay replay = ReplayText.Open("a 1 100\na 2 100\na 3 100\n", new BlockTarget(allocator));
        Assert.Throws<OperationCanceledException>(() => replay.Run(user.Token));
        Assert.Single(allocator.Live);
    }

    [Theory]
    [InlineData("heap")]
    [InlineData("malloc")]
    [InlineData("mimalloc")]
    [InlineData("jemalloc")]
    public void A_size_gets_what_it_was_said_to_get(string name)
    {
        Assert.True(AllocatorNames.TryParse(name, out AllocatorKind kind));
        Needs.Allocator(kind);
        // glibc's leaves a rest that is too small to be a block with the one before, and takes large ones by the page until one is freed.
        ulong chance = kind == AllocatorKind.Malloc ? Page + 32 : 0;
        using BlockAllocator allocator = BlockAllocators.Create(kind, null);
        for (ulong size = 0; size < 1 << 20; size += 1 + (size / 7))
        {
            ulong rounded = allocator.RoundUp(size);
            Assert.True(rounded >= size, $"{size} became {rounded}.");
            Assert.True(allocator.TryAllocate((nuint)size, out void* block));
            BlockAllocator.Touch(block, size);
            Assert.InRange(allocator.SizeOf(block), Math.Max(size, rounded - Math.Min(chance, rounded)), rounded + chance);
            allocator.Free(block);
        }
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("12", false)]
    [InlineData("12 x", false)]
    [InlineData("-1 2", false)]
    [InlineData("12 3.5\n", true)]
    public void A_childs_line_is_read_or_refused(string line, bool isRight)
    {
        Assert.Equal(isRight, ResidentFigures.TryParse(line, out ResidentFigures? figures));
        Assert.Equal(isRight ? new ResidentFigures(12, 3.5) : null, figures);
        Assert.True(figures is null || (ResidentFigures.TryParse(figures.ToString(), out ResidentFigures? again) && again == figures));
    }

    /// <summary>Rounds to 32 bytes, and looks at what comes back.</summary>
    private sealed class WatchedAllocator() : BlockAllocator(AllocatorKind.Malloc)
    {
        public Dictionary<nint, ulong> Live { get; } = [];

        public nuint Largest { get; init; } = nuint.MaxValue / 2;

        /// <summary>Called at each block.</summary>
        public Action? Heed { get; set; }

        public int Rounding { get; set; } = 32;

        public int Untouched { get; private set; }

        public int Freed { get; private set; }

        public bool IsDisposed { get; private set; }

        public override bool TryAllocate(nuint size, out void* block)
        {
            Heed?.Invoke();
            block = null;
            if (size > Largest)
            {
                return false;
            }

            ulong rounded = Math.Max(32, (size + (ulong)Rounding - 1) & ~((ulong)Rounding - 1));
            block = NativeMemory.AllocZeroed((nuint)rounded);
            Live.Add((nint)block, rounded);
            return true;
        }

        public override void Free(void* block)
        {
            Assert.True(Live.Remove((nint)block, out ulong size), "What is freed is live.");
            int written = 0;
            for (ulong offset = 0; offset < size; offset += Page)
            {
                written += ((byte*)block)[offset];
            }

            int pages = (int)((size + Page - 1) / Page);
            Assert.True(written == 0 || written == pages, $"{written} of {pages} pages were written to.");
            Untouched += written == 0 ? 1 : 0;
            Freed++;
            NativeMemory.Free(block);
        }

        public override nuint SizeOf(void* block) => (nuint)Live[(nint)block];

        public override void Dispose()
        {
            IsDisposed = true;
            base.Dispose();
        }
    }
}
