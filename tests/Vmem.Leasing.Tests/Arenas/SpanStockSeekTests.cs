using Vmem.Leasing.Arenas;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>Searches for the lowest place, as far as a stock answers them.</summary>
public sealed class SpanStockSeekTests : SpanStockFixture
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_first_place_at_hand_is_the_answer_and_stays_ready()
    {
        SpanStock<ulong> stock = NewStock(target: 1);
        Add(stock, 0, 8);
        Assert.Equal((0ul, 8ul), (Import(stock, 8)!.Value, Import(stock, 8)!.Value));
        stock.Release(0, 8);
        stock.Release(8, 8);                                   // the one that goes back
        Wakes = 0;
        Assert.Equal(9ul, await stock.SeekAsync(2, 9, 100, Token));
        Assert.Equal((null, 0, 2), (stock.NextSeek(), Wakes, stock.Ready));
        Assert.Empty(stock.TakeReturned(all: false));
    }

    [Theory]
    [InlineData(4, 20, 22)]
    [InlineData(1, 20, 19)]
    [InlineData(17, 20, 100)]
    public async Task What_can_never_be_is_answered_at_once(ulong size, ulong first, ulong last)
    {
        SpanStock<ulong> stock = NewStock(target: 0, limit: 16);
        Assert.Null(await stock.SeekAsync(size, first, last, Token));
        Assert.Equal((null, 0), (stock.NextSeek(), Wakes));
    }

    [Theory]
    [InlineData(4, 20, 23)]
    [InlineData(16, 20, 100)]
    [InlineData(1, 20, 20)]
    public void Others_wait_for_the_word_of_the_store(ulong size, ulong first, ulong last)
    {
        SpanStock<ulong> stock = NewStock(target: 0, limit: 16);
        Assert.False(stock.SeekAsync(size, first, last, Token).AsTask().IsCompleted);
        Assert.Equal((size, first, 1), (stock.NextSeek()!.Size, stock.NextSeek()!.First, Wakes));
    }

    [Fact]
    public async Task They_are_answered_one_after_the_other_but_for_those_who_left()
    {
        SpanStock<ulong> stock = NewStock(target: 0);
        using CancellationTokenSource patience = new();
        Task<ulong?>[] left = [SeekUntilAsync(stock, 4, patience.Token), SeekUntilAsync(stock, 5, patience.Token)];
        Task<ulong?>[] seeks = [SeekAsync(stock, 6), SeekAsync(stock, 7)];
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left[0]);
        SpanSeek<ulong> next = stock.NextSeek()!;
        Assert.Equal((6ul, next), (next.First, stock.NextSeek()));
        stock.Answer(next);
        Assert.Null(await seeks[0]);
        Assert.Equal(7ul, stock.NextSeek()!.First);
        stock.Answer(stock.NextSeek()!);
        Assert.Null(stock.NextSeek());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => SeekUntilAsync(stock, 8, patience.Token));
        Assert.Null(stock.NextSeek());
    }

    /// <summary>What the arena has no room for is no answer.</summary>
    [Fact]
    public async Task The_lowest_place_of_all_that_is_leased_is_the_answer()
    {
        SpanStock<ulong> stock = NewStock(target: 1, limit: 24);
        Task<ulong?> seek = SeekAsync(stock, 10);
        SpanSeek<ulong> wanted = stock.NextSeek()!;
        Assert.Null(stock.AtHand(wanted));
        stock.Add(Span(16, 32), null);
        Assert.Null(stock.AtHand(wanted));
        Add(stock, 64, 56, 72);
        Assert.Equal(56ul, stock.AtHand(wanted));
        Assert.Equal([16], Starts(stock.TakeReturned(all: true)).Where(static start => start < 50));
        Add(stock, 64, 56, 72);
        stock.Answer(wanted);
        Assert.Equal(56ul, await seek);
        Wakes = 0;
        stock.Answer(wanted);                                  // it has been
        Assert.Equal((3, 0), (stock.Ready, Wakes));
    }

    /// <summary>Unless it is wanted ready.</summary>
    [Theory]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    public async Task What_was_leased_for_a_search_and_is_not_the_answer_goes_back(int target, bool goes)
    {
        SpanStock<ulong> stock = NewStock(target);
        Task<ulong?> seek = SeekAsync(stock, 10);
        SpanSeek<ulong> wanted = stock.NextSeek()!;
        LeasedSpan<ulong> leased = Span(64);
        stock.Add(leased, wanted);
        Assert.Equal(leased, wanted.Leased);
        Add(stock, 16);
        Wakes = 0;
        stock.Answer(wanted);
        Assert.Equal(16ul, await seek);
        Assert.Equal((goes ? 1 : 0, goes ? 1 : 2), (Wakes, stock.Ready));
        Assert.Equal(goes ? [leased] : [], stock.TakeReturned(all: false));
    }

    [Fact]
    public async Task What_was_leased_for_a_search_and_is_the_answer_stays()
    {
        SpanStock<ulong> stock = NewStock(target: 0);
        Task<ulong?> seek = SeekAsync(stock, 10);
        SpanSeek<ulong> wanted = stock.NextSeek()!;
        stock.Add(Span(8), wanted);
        stock.Answer(wanted);
        Assert.Equal((10ul, 1), (await seek, stock.Ready));
    }

    [Theory]
    [InlineData(0, false, false, 1)]
    [InlineData(0, true, true, 0)]
    [InlineData(1, true, false, 1)]
    public async Task What_comes_for_a_search_that_has_ended_goes_back_if_it_is_too_much(int target, bool isCancelled, bool goes, int ready)
    {
        SpanStock<ulong> stock = NewStock(target);
        using CancellationTokenSource patience = new();
        Task<ulong?> seek = SeekUntilAsync(stock, 10, patience.Token);
        SpanSeek<ulong> wanted = stock.NextSeek()!;
        if (isCancelled)
        {
            await patience.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => seek);
        }

        stock.Add(Span(64), wanted);
        Assert.Equal((ready, goes ? 1 : 0), (stock.Ready, stock.TakeReturned(all: false).Count));
    }

    [Fact]
    public async Task Who_has_waited_for_two_tries_gets_what_lies_ready()
    {
        SpanStock<ulong> stock = NewStock(target: 0);
        Task<ulong?> first = SeekAsync(stock, 10);
        stock.AnswerTried();
        Assert.False(first.IsCompleted);
        Task<ulong?> second = SeekAsync(stock, 11);
        Add(stock, 16);
        stock.AnswerTried();
        Assert.Equal((16ul, false), (await first, second.IsCompleted));
        stock.AnswerTried();
        Assert.Equal(16ul, await second);
        Assert.Null(stock.NextSeek());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task All_are_answered_at_the_end_and_nobody_waits_after_it(bool forEver)
    {
        SpanStock<ulong> stock = NewStock(target: 0);
        Add(stock, 16);
        Task<ulong?>[] seeks = [SeekAsync(stock, 10), SeekAsync(stock, 20)];
        stock.AnswerAll(forEver);
        Assert.Equal([16, 20], await Task.WhenAll(seeks));
        Assert.Null(stock.NextSeek());
        Task<ulong?> later = SeekAsync(stock, 10);
        Assert.Equal(forEver, later.IsCompleted);
        stock.AnswerAll(forEver: false);
        Assert.Equal(forEver, SeekAsync(stock, 11).IsCompleted);
        stock.AnswerAll(forEver);
        Assert.Equal(forEver, SeekAsync(stock, 12).IsCompleted);
    }

    private static Task<ulong?> SeekAsync(SpanStock<ulong> stock, ulong first) => SeekUntilAsync(stock, first, Token);

    private static Task<ulong?> SeekUntilAsync(SpanStock<ulong> stock, ulong first, CancellationToken patience) =>
        stock.SeekAsync(1, first, 100, patience).AsTask();
}
