using Vmem.Memory.Heap;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>A heap's pages, while their memory goes back.</summary>
public class HeapSpaceTests
{
    /// <summary>Free pages are taken out of circulation to be discarded, and are free all the same: whoever looks is told so, also at the very end.</summary>
    [Fact]
    public void Pages_that_are_only_being_discarded_are_not_found()
    {
        using HeapSpace space = new("discarding", 79 << 20, huge: false);
        nuint page = space.Start;
        int turn = 0;                             // odd while the page is free
        int found = 0;
        Thread reader = new(() =>
        {
            for (int before = 0; before >= 0; before = Volatile.Read(ref turn))
            {
                found += (before & 1) != 0 && space.TryFind(page, out _) && Volatile.Read(ref turn) == before ? 1 : 0;
            }
        });
        reader.Start();
        for (int i = 0; i < 5_000; i++)
        {
            Assert.True(space.TryAllocate(HeapSpace.PageSize, 1, clear: false, out nuint start, out _) && start == page);
            space.Free(start, HeapSpace.PageSize);
            _ = Interlocked.Increment(ref turn);
            Assert.Equal(HeapSpace.PageSize, space.DiscardFree(staleOnly: false));
            _ = Interlocked.Increment(ref turn);
        }

        Volatile.Write(ref turn, int.MinValue);
        reader.Join();
        Assert.Equal(0, found);
    }
}
