using Vmem.Diagnostics;
using Vmem.Leasing.Metering;
using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Sessions;

/// <summary>What an end leaves: of the session, of its timers, and in the store.</summary>
public sealed class SessionEndTests : IAsyncDisposable
{
    private readonly Fleet _fleet = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _fleet.DisposeAsync();

    [Fact]
    public async Task There_is_no_session_without_a_store() =>
        await Assert.ThrowsAsync<ArgumentNullException>(() => LeaseSession.OpenAsync(null!, _fleet.Options, Token));

    /// <summary>What could not be given back goes with the session, through quarantine if any of it needs that.</summary>
    [Theory]
    [InlineData(true, LeaseExtentState.Free)]
    [InlineData(false, LeaseExtentState.Quarantined)]
    public async Task What_could_not_be_given_back_goes_with_the_session(bool isClean, LeaseExtentState state)
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeasedArena<ulong> arena = await LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids(size: 8), Token);
        LeasedRange<ulong> range = await arena.AllocateAsync(8, default, Token);
        _fleet.Network.Fate = static name => name == "release" ? CallFate.Fails : CallFate.Answered;
        arena.Free(range, isClean);
        await Eventually.HoldsAsync(() => !_fleet.Faults.IsEmpty);
        await session.DisposeAsync();
        Assert.Equal(state, Assert.Single(await _fleet.Memory.ListAsync(1, Token)).State);
    }

    [Fact]
    public async Task A_session_that_cannot_inherit_is_ended_again()
    {
        List<string> calls = _fleet.Network.Record();
        _fleet.Network.Legacy = static _ => throw new IOException("broken");
        IOException fault = await Assert.ThrowsAsync<IOException>(
            () => LeaseSession.OpenAsync(_fleet.Network, _fleet.Options with { Name = "one" }, Token));
        Assert.Equal("broken", fault.Message);
        Assert.Equal(["open", "inherit", "close"], calls);
        Assert.Equal(0, _fleet.Time.Timers);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Nothing_of_it_runs_after_its_end(bool lapses)
    {
        LeaseSession session = await LeaseSession.OpenAsync(_fleet.Network, _fleet.Options, Token);
        int others = LeaseMetrics.Sessions.Present().Count(subject => ReferenceEquals(subject, session));
        Assert.Equal((1, true), (others, ((IMetered)session).TryRead(0, out long remaining)));
        Assert.Equal((long)session.Remaining.TotalMicroseconds, remaining);
        Assert.InRange(remaining, 1, (long)Fleet.Ttl.TotalMicroseconds);
        List<string> calls = _fleet.Network.Record();
        for (int times = 0; times < 2; times++)
        {
            await (lapses ? session.LapseAsync() : session.DisposeAsync());
            Assert.Equal(0, _fleet.Time.Timers);
        }

        Assert.Equal(lapses ? [] : ["close"], calls);
        Assert.False(((IMetered)session).TryRead(0, out _));
        Assert.DoesNotContain(session, LeaseMetrics.Sessions.Present());
        Assert.Equal((LeaseState.Lost, TimeSpan.Zero), (session.State, session.Remaining));
    }
}
