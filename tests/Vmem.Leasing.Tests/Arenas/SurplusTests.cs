using Vmem.Leasing.Arenas;
using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>Spans that came for a request which nobody repeats: in a stock, and in a shared arena.</summary>
public sealed class SurplusTests : SpanStockFixture
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly ManualTime _time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void What_lies_ready_for_long_and_is_too_much_goes_back_and_the_oldest_first()
    {
        SpanStock<ulong> stock = NewStock(target: 1);
        Add(stock, 0, 8, 16);
        Assert.Empty(Returned(stock));
        _time.Advance(s_patience - TimeSpan.FromTicks(1));
        Add(stock, 24);
        Assert.Empty(Returned(stock));
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.Equal([0, 8, 16], Returned(stock));
        Assert.Equal(1, stock.Ready);
        _time.Advance(s_patience * 2);
        Assert.Empty(Returned(stock));
        Assert.Equal([24], Starts(stock.TakeReturned(all: true)));
    }

    [Fact]
    public void What_came_late_has_as_much_time_and_what_was_taken_meanwhile_stays()
    {
        SpanStock<ulong> stock = NewStock(target: 0);
        Add(stock, 0, 8);
        Assert.Empty(Returned(stock));
        _time.Advance(s_patience);
        Add(stock, 16);
        Assert.Equal(0ul, Import(stock, 8));
        Assert.Equal([8], Returned(stock));
        Assert.Empty(Returned(stock));
        _time.Advance(s_patience);
        Assert.Equal([16], Returned(stock));
        Assert.Equal([0], Starts(stock.InUse));
    }

    [Fact]
    public void A_stock_that_was_used_up_meanwhile_begins_anew()
    {
        SpanStock<ulong> stock = NewStock(target: 1);
        Add(stock, 0, 8);
        Assert.Empty(Returned(stock));
        Assert.Equal(0ul, Import(stock, 8));
        Assert.Empty(Returned(stock));
        _time.Advance(s_patience);
        Add(stock, 16);
        Assert.Empty(Returned(stock));
        _time.Advance(s_patience);
        Assert.Equal([8], Returned(stock));
    }

    /// <summary>It has all that there is.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_span_that_nobody_asks_for_again_goes_to_who_waits_for_it(bool waits)
    {
        await using Fleet fleet = new();
        LeasedArena<ulong> ours = await LeasedArena<ulong>.OpenAsync(await fleet.OpenAsync(), "ids", Fleet.Ids(8, 8), Token);
        using CancellationTokenSource patience = new();
        if (waits)
        {
            fleet.Cut();
            Task waiting = ours.AllocateAsync(8, default, patience.Token).AsTask();
            await patience.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
            fleet.Mend();
        }
        else
        {
            Assert.False(ours.TryAllocate(8, out _));
        }

        await Eventually.HoldsAsync(async () => (await fleet.Memory.GetUsageAsync(1, Token)).Leased == 8,
            () => fleet.Time.Advance(TimeSpan.FromMilliseconds(1)));
        LeasedArena<ulong> theirs = await LeasedArena<ulong>.OpenAsync(await fleet.OpenOtherAsync(), "ids", Fleet.Ids(8, 8), Token);
        Task<LeasedRange<ulong>> wanted = theirs.AllocateAsync(8, default, Token).AsTask();
        Assert.False(wanted.IsCompleted);
        await Eventually.HoldsAsync(() => wanted.IsCompleted, () => fleet.Time.Advance(TimeSpan.FromMilliseconds(10)));
        Assert.Equal(2, (await wanted).Fence);
    }

    private ulong[] Returned(SpanStock<ulong> stock)
    {
        stock.ReturnSurplus(_time, s_patience);
        return Starts(stock.TakeReturned(all: false));
    }
}
