using Vmem.Leasing.Arenas;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>After a loss nothing new comes before those who may still look at the old have gone.</summary>
public sealed class LossBarrierTests
{
    private readonly LossBarrier _barrier = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Without_a_loss_nobody_is_waited_for()
    {
        CallMark call = CallMark.Begin();
        WaitRound round = _barrier.EnterRound();
        Assert.True(_barrier.PassAsync(Token).IsCompletedSuccessfully);
        Assert.False(round.Over.IsCancellationRequested);
        call.End();
    }

    [Fact]
    public async Task After_a_loss_the_calls_under_way_are_waited_for_once()
    {
        CallMark call = CallMark.Begin();
        Lose();
        Task passing = _barrier.PassAsync(Token);
        Assert.False(passing.IsCompleted);
        Assert.Same(call, CallMark.Begin());                         // a callback calls again
        call.End();
        Assert.False(await EndsSoonAsync(passing));
        call.End();
        await passing;
        call = CallMark.Begin();
        Assert.True(_barrier.PassAsync(Token).IsCompletedSuccessfully);
        call.End();
    }

    [Fact]
    public async Task A_call_that_began_after_the_loss_was_looked_at_is_not_waited_for()
    {
        Lose();
        CallMark former = CallMark.Begin();
        Task passing = _barrier.PassAsync(Token);
        former.End();
        using var isCalled = new ManualResetEventSlim();
        using var mayEnd = new ManualResetEventSlim();
        var other = new Thread(() =>
        {
            CallMark call = CallMark.Begin();
            isCalled.Set();
            mayEnd.Wait();
            call.End();
        });
        other.Start();
        isCalled.Wait(Token);
        await passing;
        mayEnd.Set();
        other.Join();
    }

    [Fact]
    public async Task A_loss_under_way_is_waited_for()
    {
        _barrier.BeginLoss();
        Task passing = _barrier.PassAsync(Token);
        Assert.False(await EndsSoonAsync(passing));
        _barrier.EndLoss();
        await passing;
    }

    [Fact]
    public async Task Who_waits_is_sent_round_and_waited_for()
    {
        WaitRound round = _barrier.EnterRound();
        Assert.Same(round, _barrier.EnterRound());
        Lose();
        Task passing = _barrier.PassAsync(Token);
        Assert.True(round.Over.IsCancellationRequested);
        WaitRound next = _barrier.EnterRound();
        Assert.NotSame(round, next);
        round.Leave();
        Assert.False(await EndsSoonAsync(passing));
        round.Leave();
        await passing;
        Assert.False(next.Over.IsCancellationRequested);
    }

    [Fact]
    public async Task A_pass_that_was_cut_short_is_made_up_for()
    {
        CallMark call = CallMark.Begin();
        Lose();
        using var stop = new CancellationTokenSource();
        Task passing = _barrier.PassAsync(stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => passing);
        passing = _barrier.PassAsync(Token);
        Assert.False(passing.IsCompleted);
        call.End();
        await passing;
    }

    private void Lose()
    {
        _barrier.BeginLoss();
        _barrier.EndLoss();
    }

    private static async Task<bool> EndsSoonAsync(Task task) => await Task.WhenAny(task, Task.Delay(20, Token)) == task;
}
