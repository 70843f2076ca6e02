using Vmem.Leasing.Sessions;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Sessions;

/// <summary>How long a call to a store may take.</summary>
public sealed class StoreCallsTests
{
    private static readonly TimeSpan s_most = TimeSpan.FromSeconds(10);

    private readonly ManualTime _time = new();
    private readonly StoreCalls _calls;
    private readonly TaskCompletionSource<int> _answer = new();

    public StoreCallsTests() => _calls = new StoreCalls(_time, s_most);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_answer_in_time_is_the_answer()
    {
        Assert.Equal(5, await _calls.AskAsync(static _ => ValueTask.FromResult(5), Token));
        Task<int> asked = AskAsync(Token);
        _time.Advance(s_most - TimeSpan.FromTicks(1));
        Assert.False(asked.IsCompleted);
        _answer.SetResult(7);
        Assert.Equal(7, await asked);
    }

    [Fact]
    public async Task A_store_that_looks_at_no_token_is_late_all_the_same()
    {
        Task<int> asked = AskAsync(Token);
        _time.Advance(s_most);
        TimeoutException late = await Assert.ThrowsAsync<TimeoutException>(() => asked);
        Assert.Contains("00:00:10", late.Message, StringComparison.Ordinal);
        _answer.SetException(new IOException("late"));         // nobody waits for it
    }

    [Fact]
    public async Task A_call_may_have_a_time_out_of_its_own()
    {
        Task<int> asked = _calls.AskAsync(_ => new ValueTask<int>(_answer.Task), TimeSpan.FromSeconds(1), Token).AsTask();
        _time.Advance(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<TimeoutException>(() => asked);
    }

    [Fact]
    public async Task The_store_sees_that_it_is_late_by_its_token()
    {
        CancellationToken seen = default;
        Task<int> asked = _calls.AskAsync(async token =>
        {
            seen = token;
            await Task.Delay(Timeout.Infinite, token);
            return 0;
        }, Token).AsTask();
        Assert.False(seen.IsCancellationRequested);
        _time.Advance(s_most);
        await Assert.ThrowsAsync<TimeoutException>(() => asked);
        Assert.True(seen.IsCancellationRequested);
    }

    /// <summary>Whoever leaves at the same time as the store is late has left.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_leaves_is_told_that_and_no_lateness(bool isLate)
    {
        using CancellationTokenSource patience = new();
        Task<int> asked = AskAsync(patience.Token);
        await patience.CancelAsync();
        if (isLate)
        {
            _time.Advance(s_most);
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        bool isAsked = false;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _calls.AskAsync(_ =>
        {
            isAsked = true;
            return ValueTask.FromResult(1);
        }, patience.Token).AsTask());
        Assert.False(isAsked);
    }

    [Fact]
    public async Task A_fault_of_the_store_is_the_callers()
    {
        Task<int> asked = AskAsync(Token);
        _answer.SetException(new IOException("broken"));
        Assert.Equal("broken", (await Assert.ThrowsAsync<IOException>(() => asked)).Message);
    }

    /// <summary>Neither has the caller left, nor is the store late.</summary>
    [Fact]
    public async Task A_store_that_gives_up_by_itself_is_not_late()
    {
        Task<int> asked = AskAsync(Token);
        _answer.SetCanceled(CancellationToken.None);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
    }

    private Task<int> AskAsync(CancellationToken cancellationToken) =>
        _calls.AskAsync(_ => new ValueTask<int>(_answer.Task), cancellationToken).AsTask();
}
