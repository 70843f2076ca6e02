using Xunit;

namespace Vmem.Tests.Readme;

/// <summary>The README's example of the buddy allocator: see <see cref="ReadmeTests"/>.</summary>
public class BuddyExamples
{
    [Fact]
    public void A_block_of_a_power_of_two()
    {
        #region buddy
        var frames = new BuddyAllocator<uint>(start: 0x100000, size: 48 << 20, minBlock: 4_096, maxBlock: 4 << 20);
        uint frame = frames.Allocate(70_000);        // a block of 128 KiB, at a multiple of 128 KiB from the start
        frames.Free(frame);
        #endregion

        Assert.Equal(0u, (frame - 0x100000) % 0x20000);
        Assert.Equal(0u, frames.GetStatistics().InUse);
    }
}
