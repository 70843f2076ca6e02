using Vmem.Leasing.Arenas;
using Vmem.Leasing.Sessions;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>What a stock asks for.</summary>
public sealed class SpanStockTests
{
    private static readonly LeaseDefinition s_definition =
        new() { Start = 0, Size = 1024, Type = nameof(UInt64), Quarantine = TimeSpan.FromMinutes(1) };

    /// <summary>Whoever wanted 32 looked at the limit before another took most of it.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_need_that_the_limit_has_no_room_for_keeps_no_smaller_one_waiting(bool isConstrained)
    {
        SpanStock<ulong> stock = new(new SpanGrid(s_definition, 8), 0, 64, static () => { }, static listener => listener());
        Holding holding = new(new LeaseClaim(1, Guid.NewGuid(), 0, 48, 1, Guid.NewGuid()), new Legacy(), null);
        stock.Add(new LeasedSpan<ulong>(0, 48, holding), null);
        Assert.True(stock.TryImport(48, default, out _, out _));
        RangeConstraints<ulong> constraints = isConstrained ? new() { Align = 32 } : default;
        Assert.False(stock.TryImport(32, constraints, out _, out _));
        Assert.Empty(stock.Missing(isExactHopeless: false, stock.Room, out _));
        Assert.False(stock.TryImport(8, default, out _, out _));
        Assert.Equal(8ul, Assert.Single(stock.Missing(isExactHopeless: false, stock.Room, out bool isUrgent)).Size);
        Assert.True(isUrgent);
        stock.Release(0, 48);
        Assert.Equal(isConstrained ? 32ul : 8ul, stock.Missing(isExactHopeless: false, stock.Room, out _)[0].Size);
    }
}
