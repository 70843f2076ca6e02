using Npgsql;
using Vmem.Testing.Time;

namespace Vmem.Leasing.PostgreSql.Tests.Queue;

/// <summary>Groups that fail, callers who leave, and want of memory.</summary>
public sealed class GrantFaultTests : IDisposable
{
    private static readonly LeaseSessionException s_bad = new("of one request");

    private readonly QueueBench _bench = new();

    public void Dispose() => _bench.Time.GoOn();

    [Fact]
    public async Task A_group_that_is_left_by_all_is_given_up_and_one_that_is_not_goes_on()
    {
        (PendingGrant[] joined, SentGroup group) = await JoinAsync(2);
        Leave(joined[0]);
        Leave(joined[0]);
        Assert.False(group.Token.IsCancellationRequested);
        await _bench.EndAsync(() => Leave(joined[1]));
        Assert.True(group.Token.IsCancellationRequested);
        Assert.All(joined, static one => Assert.True(one.Answer.Task.IsCanceled));
        await GoesOnAsync(2);
    }

    [Fact]
    public async Task Who_leaves_before_it_is_sent_is_not_asked_for()
    {
        _bench.Ask();
        PendingGrant[] late = [_bench.Ask(), _bench.Ask()];
        Leave(late[0]);
        await _bench.SucceedAsync(0);
        Assert.Equal([late[1]], await _bench.SucceedAsync(1));
    }

    [Fact]
    public async Task Who_was_answered_cannot_leave()
    {
        (PendingGrant[] joined, SentGroup group) = await JoinAsync(2);
        await _bench.SucceedAsync(1);
        Array.ForEach(joined, Leave);
        Assert.False(group.Token.IsCancellationRequested);
        Assert.All(joined, static one => Assert.True(one.Answer.Task.IsCompletedSuccessfully));
    }

    [Fact]
    public async Task A_group_that_fails_by_one_request_is_asked_one_by_one()
    {
        (PendingGrant[] joined, SentGroup group) = await JoinAsync(3);
        group.Fail(s_bad);
        Assert.Equal([joined[0]], await AnswerAsync(2));
        (await _bench.GroupAsync(3)).Fail(s_bad);
        Assert.Same(s_bad, await Assert.ThrowsAsync<LeaseSessionException>(() => joined[1].Answer.Task));
        Assert.Equal([joined[2]], await _bench.SucceedAsync(4));
    }

    /// <summary>The first was answered, and never leaves.</summary>
    [Fact]
    public async Task Those_who_leave_while_they_are_asked_one_by_one_keep_nobody()
    {
        (PendingGrant[] joined, SentGroup group) = await JoinAsync(4);
        group.Fail(s_bad);
        await AnswerAsync(2);
        SentGroup second = await _bench.GroupAsync(3);
        Leave(joined[3]);
        Leave(joined[2]);
        Assert.False(second.Token.IsCancellationRequested);
        await _bench.EndAsync(() => Leave(joined[1]));
        Assert.True(second.Token.IsCancellationRequested);
        await GoesOnAsync(4);
    }

    [Fact]
    public async Task Who_leaves_as_he_is_asked_for_alone_lets_the_next_be_asked()
    {
        (PendingGrant[] joined, SentGroup group) = await JoinAsync(2);
        group.Fail(s_bad);
        SentGroup first = await _bench.GroupAsync(2);
        Leave(joined[0]);
        Assert.True(first.Token.IsCancellationRequested);
        Assert.Equal([joined[1]], await _bench.SucceedAsync(3));
    }

    [Fact]
    public async Task What_ails_the_server_is_not_asked_again()
    {
        (PendingGrant[] joined, SentGroup group) = await JoinAsync(2);
        NpgsqlException fault = new("of the server");
        await _bench.EndAsync(() => group.Fail(fault));
        foreach (PendingGrant one in joined)
        {
            Assert.Same(fault, await Assert.ThrowsAsync<NpgsqlException>(() => one.Answer.Task));
        }

        await GoesOnAsync(2);
    }

    /// <summary>Those who could not be told stay as they are; the next can be.</summary>
    [Fact]
    public async Task Too_few_answers_keep_nobody()
    {
        (PendingGrant[] joined, SentGroup group) = await JoinAsync(2);
        await _bench.EndAsync(() => group.Answers.SetResult([new LeaseAnswer(LeaseVerdict.Granted)]));
        Assert.Equal(LeaseVerdict.Granted, (await joined[0].Answer.Task).Verdict);
        await Assert.ThrowsAnyAsync<Exception>(() => joined[1].Answer.Task);
        await GoesOnAsync(2);
    }

    /// <summary>The clock is read for the new group, and, where one is under way, for that; a timer is made for who waits.</summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Who_has_an_exception_has_no_request_in_the_queue(bool isOneUnderWay, bool isOfTimer)
    {
        if (isOneUnderWay)
        {
            _bench.Ask();
        }

        _bench.Time.HasNoTimer = isOfTimer;
        _bench.Time.FailReading(isOfTimer ? 0 : 1);
        Assert.ThrowsAny<OutOfMemoryException>(() => _bench.AskMany(3));
        PendingGrant next = _bench.Ask();
        int sent = 0;
        if (isOneUnderWay)
        {
            await _bench.SucceedAsync(sent++);
        }

        Assert.Equal([next], await _bench.SucceedAsync(sent));
    }

    /// <summary>The first reading after an answer is of a look, the second of the next group.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Who_is_not_sent_for_want_of_memory_is_sent_by_the_timer(int reading)
    {
        _bench.Ask();
        PendingGrant late = _bench.Ask();
        SentGroup first = await _bench.GroupAsync(0);
        int before = _bench.Time.Readings;
        _bench.Time.FailReading(reading);
        first.Succeed();
        await Eventually.HoldsAsync(() => _bench.Time.Readings == before + reading);
        Assert.Equal(1, _bench.Sent);
        _bench.Advance(50);
        Assert.Equal([late], await _bench.SucceedAsync(1));
    }

    [Fact]
    public async Task A_timer_that_lacks_memory_calls_again()
    {
        _bench.Ask();
        PendingGrant late = _bench.Ask();
        _bench.Advance(249);
        _bench.Time.FailReading(1);
        _bench.Advance(1);
        Assert.Equal(1, _bench.Sent);
        _bench.Advance(50);
        Assert.Equal([late], await _bench.SucceedAsync(1));
    }

    /// <summary>A group of so many that is under way, as the second one.</summary>
    private async Task<(PendingGrant[] Joined, SentGroup Group)> JoinAsync(int count)
    {
        _bench.Ask();
        PendingGrant[] joined = [.. Enumerable.Range(0, count).Select(_ => _bench.Ask())];
        await _bench.SucceedAsync(0);
        return (joined, await _bench.GroupAsync(1));
    }

    /// <summary>Answers one of those that are asked one by one.</summary>
    private async Task<IReadOnlyList<PendingGrant>> AnswerAsync(int number)
    {
        SentGroup group = await _bench.GroupAsync(number);
        group.Succeed();
        Assert.Equal(LeaseVerdict.Granted, (await group.Grants[0].Answer.Task).Verdict);
        return group.Grants;
    }

    /// <summary>Nothing is under way: who asks is sent, though the clock moves by no more than a look.</summary>
    private async Task GoesOnAsync(int number)
    {
        _bench.Advance(0.1);
        PendingGrant next = _bench.Ask();
        Assert.Equal([next], await _bench.SucceedAsync(number));
    }

    private void Leave(PendingGrant grant) => _bench.Queue.Leave([grant], CancellationToken.None);
}
