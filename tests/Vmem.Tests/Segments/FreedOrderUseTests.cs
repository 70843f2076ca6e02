using Vmem.Checks;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>The order in which space was freed begins when somebody asks, and goes when nobody does any more.</summary>
public sealed class FreedOrderUseTests : IDisposable
{
    private readonly FreeIndexes<uint> _indexes = new(0);

    public void Dispose() => _indexes.Release();

    [Fact]
    public void It_begins_with_room_for_two_pieces()
    {
        FreedOrder<uint> order = _indexes.AskOrder();
        Assert.True(order.HasReserved(2));
        Assert.Same(order, _indexes.AskOrder());
        Assert.Same(order, _indexes.Order);
    }

    [Fact]
    public void Without_memory_there_is_none()
    {
        using (GrowthFault.Inject(static () => true))
        {
            Assert.Throws<InsufficientMemoryException>(_indexes.AskOrder);
        }

        Assert.Null(_indexes.Order);
        Assert.True(_indexes.AskOrder().HasReserved(2));
    }

    /// <summary>It survives 1,024 changes without a question.</summary>
    [Fact]
    public void Who_asks_again_keeps_it()
    {
        FreedOrder<uint> order = _indexes.AskOrder();
        Change(order, 1_024);
        Assert.True(_indexes.HasReserve);
        _indexes.Reserve();
        Assert.Same(order, _indexes.AskOrder());
        Change(order, 1_024);
        _indexes.Reserve();
        Assert.Same(order, _indexes.Order);
        Assert.True(_indexes.IsAnyBegun);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Nobody_asks_and_it_goes_unless_it_is_the_arenas_own(bool isKept)
    {
        _indexes.KeepsOrder = isKept;
        FreedOrder<uint> order = _indexes.AskOrder();
        Change(order, 1_026);
        Assert.True(order.IsIdle);
        Assert.Equal(isKept, _indexes.HasReserve);
        _indexes.Reserve();
        Assert.True(_indexes.HasReserve);
        Assert.Equal(isKept ? order : null, _indexes.Order);
        Assert.Equal((isKept, isKept), (_indexes.IsAnyBegun, order.Bytes > 0));
    }

    /// <summary>A piece more needs a node of the order and one of its tree.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_has_no_reserve_until_it_is_made(bool isKept)
    {
        _indexes.KeepsOrder = isKept;
        FreedOrder<uint> order = _indexes.AskOrder();
        uint pieces = 0;
        for (; order.HasReserved(2); pieces++)
        {
            Assert.True(_indexes.HasReserve);
            order.Free(pieces * 10, 5, 0);
        }

        Assert.True(pieces > 2);
        Assert.False(_indexes.HasReserve);
        _indexes.Reserve();
        Assert.True(_indexes.HasReserve);
        Assert.Same(order, _indexes.Order);
    }

    private static void Change(FreedOrder<uint> order, int count)
    {
        for (int change = 0; change < count; change += 2)
        {
            order.Free(100, 10, 0);
            order.Take(100, 10);
        }
    }
}
