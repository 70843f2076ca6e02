using System.Runtime.InteropServices;
using Vmem.Checks;
using Vmem.Platform;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Growth;

/// <summary>The block that tags and buckets lie in keeps what is in it, wherever it lies. A growth that fails changes nothing.</summary>
public sealed unsafe class GrowingBlockTests : IDisposable
{
    private const ulong Most = 1ul << 30;

    private GrowingBlock _block;
    private nuint _size;

    public void Dispose() => _block.Release();

    [Fact]
    public void Contents_stay_and_a_large_block_does_not_move()
    {
        nint settled = 0;
        while (_size < 64 << 20)
        {
            GrowTo(_size < 64 ? 64 : _size + (_size / 2));
            settled = _size > GrowingBlock.MostMoved && settled == 0 ? (nint)_block.Start : settled;
        }

        Assert.Equal(settled, (nint)_block.Start);
        CheckContents();
    }

    [Fact]
    public void Without_address_space_it_moves()
    {
        using SystemCallFault fault = SystemCallFault.Inject(static call => call == SystemCall.Reserve);
        GrowTo(GrowingBlock.MostMoved);
        for (int i = 0; i < 6; i++)
        {
            GrowTo(_size * 2);
            CheckContents();
        }

        Assert.Equal(12, fault.Failed);                // the whole range, and a shorter one, each time
    }

    [Fact]
    public void A_range_that_is_full_is_left()
    {
        using (SystemCallFault.Inject(SystemCall.Reserve, nth: 1))
        {
            GrowTo(2 * GrowingBlock.MostMoved);
        }

        nint first = (nint)_block.Start;
        GrowTo(TableRange.Margin * 2 * GrowingBlock.MostMoved);
        Assert.Equal(first, (nint)_block.Start);
        CheckContents();
        GrowTo(_size + 1);
        Assert.NotEqual(first, (nint)_block.Start);
        CheckContents();
    }

    /// <summary>The commit of a range that is new, and of one that has been there.</summary>
    [Theory]
    [InlineData(64 << 10)]
    [InlineData(1 << 20)]
    public void Without_memory_nothing_changes(int before)
    {
        GrowTo((nuint)before);
        nint start = (nint)_block.Start;
        using (SystemCallFault.Inject(SystemCall.Commit, nth: 1))
        {
            Assert.Throws<InsufficientMemoryException>(() => _block.Grow(_size * 2, Most));
        }

        Assert.Equal(start, (nint)_block.Start);
        CheckContents();
        GrowTo(_size * 2);
        CheckContents();
    }

    [Fact]
    public void It_shrinks_by_steps_and_grows_again()
    {
        GrowTo(32 << 20);
        int steps = 1;
        while ((_size = _block.Shrink(100_000)) > 100_000)
        {
            CheckContents();
            steps++;
        }

        Assert.Equal(8, steps);
        CheckContents();
        nuint resident = ResidentBytes(_block.Start, 32 << 20);
        Assert.True(resident <= 2 * 100_000, $"{resident} bytes are still there.");
        GrowTo(9 << 20);
        CheckContents();
    }

    [Fact]
    public void Small_again_it_leaves_its_range()
    {
        GrowTo(2 * GrowingBlock.MostMoved);
        Assert.Equal(4096, _block.Taken(used: 10));
        nint range = (nint)_block.Start;
        _size = _block.Shrink(1_000);
        Assert.NotEqual(range, (nint)_block.Start);
        Assert.Equal(1_000, _block.Taken(used: 10));
        CheckContents();
        GrowTo(GrowingBlock.MostMoved);
        CheckContents();
    }

    /// <summary>A system that takes no memory back, because it has as many mappings as may be.</summary>
    [Fact]
    public void A_refused_decommit_does_no_harm()
    {
        GrowTo(8 << 20);
        using (SystemCallFault.Inject(static call => call == SystemCall.Decommit))
        {
            _size = _block.Shrink(5 << 20);
        }

        GrowTo(8 << 20);
        CheckContents();
    }

    [Fact]
    public void Released_it_can_be_used_again()
    {
        GrowTo(8 << 20);
        _block.Release();
        _size = 0;
        GrowTo(100);
        CheckContents();
    }

    /// <summary>More arenas than a process has room for whole ranges: those that come late get shorter ones, and none fails.</summary>
    [Fact]
    public void Ranges_run_out_and_nothing_fails()
    {
        List<GrowingBlock> blocks = [];
        try
        {
            for (int i = 0; i < 1_000; i++)
            {
                GrowingBlock block = default;
                block.Grow(100_000, 1ul << 35);        // 32 GiB: some 500 of them are an eighth of what there is
                *(block.Start + 99_999) = 1;
                blocks.Add(block);
            }
        }
        finally
        {
            foreach (GrowingBlock block in blocks)
            {
                block.Release();
            }
        }
    }

    private static nuint ResidentBytes(void* start, nuint size)
    {
        int error = NativePages.MemorySystem!.CountResident(start, size, out nuint resident);
        Assert.Equal(0, error);
        return resident;
    }

    private void GrowTo(nuint size)
    {
        _block.Grow(size, Most);
        for (nuint i = _size / sizeof(ulong); i < size / sizeof(ulong); i++)
        {
            ((ulong*)_block.Start)[i] = ValueAt(i);
        }

        _size = size;
    }

    private void CheckContents()
    {
        for (nuint i = 0; i < _size / sizeof(ulong); i++)
        {
            if (((ulong*)_block.Start)[i] != ValueAt(i))
            {
                Assert.Fail($"At {i} is {((ulong*)_block.Start)[i]}.");
            }
        }
    }

    private static ulong ValueAt(nuint place) => (place + 1) * 0x9E37_79B9_7F4A_7C15;
}
