using Vmem.Testing.Time;

namespace Vmem.Leasing.PostgreSql.Tests.Queue;

/// <summary>Who goes with whom, and when, by a clock that stands still.</summary>
public sealed class GrantQueueTests : IDisposable
{
    private readonly QueueBench _bench = new();

    public void Dispose() => _bench.Time.GoOn();

    [Fact]
    public async Task One_who_is_alone_is_sent_at_once_and_nobody_is_looked_for()
    {
        for (int i = 0; i < 3; i++)
        {
            PendingGrant one = _bench.Ask();
            Assert.Equal(i + 1, _bench.Sent);
            Assert.Equal([one], await _bench.SucceedAsync(i));
        }

        Assert.Equal(0, _bench.Time.Manual.TimersMade);
    }

    [Fact]
    public async Task Those_who_come_meanwhile_go_together_afterwards()
    {
        PendingGrant first = _bench.Ask();
        PendingGrant[] late = [_bench.Ask(), .. _bench.AskMany(2)];
        Assert.Equal(1, _bench.Sent);
        Assert.Equal([first], await _bench.SucceedAsync(0));
        Assert.Equal(late, await _bench.SucceedAsync(1));
    }

    /// <summary>Sessions are in the same order everywhere, and those of one session as they came.</summary>
    [Fact]
    public async Task A_group_is_in_the_order_of_sessions()
    {
        Guid[] sessions = [.. Enumerable.Range(0, 3).Select(static _ => Guid.NewGuid()).Order()];
        _bench.Ask();
        PendingGrant[] late = [_bench.Ask(sessions[2]), _bench.Ask(sessions[0]), _bench.Ask(sessions[1]), _bench.Ask(sessions[0])];
        await _bench.SucceedAsync(0);
        Assert.Equal([late[1], late[3], late[2], late[0]], await _bench.SucceedAsync(1));
    }

    [Fact]
    public async Task No_group_has_more_than_64()
    {
        PendingGrant[] all = _bench.AskMany(200);
        List<PendingGrant> sent = [];
        foreach (int i in (int[])[0, 1, 2])
        {
            Assert.Equal(64, (await _bench.GroupAsync(i)).Grants.Count);
            sent.AddRange(await _bench.SucceedAsync(i));
        }

        await Eventually.HoldsAsync(() => _bench.Sent == 4, () => _bench.Advance(0.1));      // the last look was for 64
        sent.AddRange(await _bench.SucceedAsync(3));
        Assert.Equal(all, sent);
    }

    /// <summary>The clock is not moved: they are as many as were answered.</summary>
    [Fact]
    public async Task Those_who_were_answered_together_and_ask_again_go_together()
    {
        await AnswerTwoAsync();
        PendingGrant[] again = [_bench.Ask(), _bench.Ask()];
        Assert.Equal(again, await _bench.SucceedAsync(2));
    }

    [Fact]
    public async Task A_look_for_the_other_takes_100_microseconds()
    {
        await AnswerTwoAsync();
        PendingGrant again = _bench.Ask();
        await LooksAsync();
        _bench.Advance(0.099);
        await LooksAsync();
        Assert.Equal(2, _bench.Sent);
        _bench.Advance(0.001);
        Assert.Equal([again], await _bench.SucceedAsync(2));
    }

    /// <summary>The clock is not moved any more.</summary>
    [Fact]
    public async Task After_a_look_for_nobody_the_next_does_not_wait()
    {
        await AnswerTwoAsync();
        await LooksAsync();
        _bench.Advance(0.1);
        PendingGrant next = _bench.Ask();
        Assert.Equal([next], await _bench.SucceedAsync(2));
    }

    /// <summary>It is looked for one that hangs every 50 ms from when somebody waits, and it hangs after 250.</summary>
    [Theory]
    [InlineData(0, 250)]
    [InlineData(50, 250)]
    [InlineData(130, 280)]
    [InlineData(249, 299)]
    [InlineData(250, 250)]
    [InlineData(1000, 1000)]
    public async Task Who_waits_for_one_that_hangs_goes_after_a_quarter_of_a_second(int asked, int sent)
    {
        _bench.Ask();
        _bench.Advance(asked);
        PendingGrant late = _bench.Ask();
        if (sent > asked)
        {
            _bench.Advance(sent - asked - 0.001);
            Assert.Equal(1, _bench.Sent);
            _bench.Advance(0.001);
        }

        Assert.Equal(2, _bench.Sent);
        Assert.Equal([late], await _bench.SucceedAsync(1));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Two_that_hang_let_nobody_pass_until_one_of_them_ends(int ends)
    {
        _bench.Ask();
        _bench.Advance(250);
        _bench.Ask();
        PendingGrant[] late = [_bench.Ask(), _bench.Ask()];
        _bench.Advance(60_000);
        Assert.Equal(2, _bench.Sent);
        await _bench.SucceedAsync(ends);
        Assert.Equal(late, await _bench.SucceedAsync(2));
    }

    /// <summary>The second is under way as long as any first one may be.</summary>
    [Fact]
    public async Task Beside_one_that_hangs_the_next_waits_as_ever()
    {
        _bench.Ask();
        _bench.Advance(250);
        _bench.Ask();
        PendingGrant late = _bench.Ask();
        await _bench.SucceedAsync(0);
        _bench.Advance(249);
        Assert.Equal(2, _bench.Sent);
        _bench.Advance(1);
        Assert.Equal([late], await _bench.SucceedAsync(2));
    }

    [Fact]
    public async Task The_timer_goes_when_nobody_waits()
    {
        _bench.Ask();
        _bench.Ask();
        Assert.Equal(1, _bench.Time.Manual.Timers);
        await _bench.SucceedAsync(0);
        await _bench.SucceedAsync(1);
        _bench.Advance(50);
        Assert.Equal((0, 1), (_bench.Time.Manual.Timers, _bench.Time.Manual.TimersMade));
    }

    /// <summary>After that the queue looks for two.</summary>
    private async Task AnswerTwoAsync()
    {
        _bench.Ask();
        _bench.AskMany(2);
        await _bench.SucceedAsync(0);
        await _bench.SucceedAsync(1);
    }

    /// <summary>It looks, and looks again.</summary>
    private async Task LooksAsync()
    {
        int before = _bench.Time.Readings;
        await Eventually.HoldsAsync(() => _bench.Time.Readings > before + 3);
    }
}
