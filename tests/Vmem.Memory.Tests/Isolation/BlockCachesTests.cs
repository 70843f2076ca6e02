using Vmem.Memory.Isolation;
using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>A client's stacks of freed blocks.</summary>
public class BlockCachesTests
{
    private readonly BlockCaches _caches = new([62, 3]);

    /// <summary>Those that start in the range, and in no other stack's order.</summary>
    [Fact]
    public void The_blocks_of_a_range_are_dropped()
    {
        nuint[] blocks = [4_096, 4_080, 8_176, 8_192, 16, 6_000];
        Assert.All(blocks, block => Assert.True(_caches.TryPush(0, block)));
        Assert.True(_caches.TryPush(1, 4_128));
        Assert.True(_caches.TryPush(1, 8_192));
        _caches.Drop(4_096, 4_096);
        Assert.Equal((nuint[])[4_080, 8_192, 16], _caches.Blocks(0).ToArray());
        Assert.Equal((nuint[])[8_192], _caches.Blocks(1).ToArray());
        _caches.Drop(0, 16);
        Assert.Equal((nuint[])[4_080, 8_192, 16], _caches.Blocks(0).ToArray());
        Assert.True(_caches.TryPeek(0, out nuint top));
        Assert.Equal((nuint)16, top);
    }

    [Fact]
    public void A_stack_is_full_at_its_capacity_and_empty_after_that()
    {
        Assert.Equal((2, 62, 3), (_caches.Orders, _caches.Capacity(0), _caches.Capacity(1)));
        Assert.Equal(3 * 64 * IntPtr.Size, BlockCaches.BytesFor([62, 3]));
        Assert.True(_caches.TryPush(1, 16) && _caches.TryPush(1, 32) && _caches.TryPush(1, 48));
        Assert.False(_caches.TryPush(1, 64));
        Assert.Equal((nuint[])[16, 32], _caches.Bottom(1).ToArray());
        _caches.DropBottom(1);
        Assert.Equal((nuint[])[48], _caches.Blocks(1).ToArray());
        Assert.True(_caches.TryPeek(1, out nuint top));
        Assert.Equal((nuint)48, top);
        _caches.Pop(1);
        Assert.False(_caches.TryPeek(1, out _));
        Assert.False(_caches.TryPeek(0, out _));
        Assert.True(_caches.TryPush(1, 16));
        _caches.Clear(1);
        Assert.Equal(0, _caches.Blocks(1).Length);
    }
}
