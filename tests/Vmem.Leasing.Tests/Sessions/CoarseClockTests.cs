using Vmem.Leasing.Protocol;

namespace Vmem.Leasing.Tests.Sessions;

/// <summary>In the first half of its term a session looks at the system's coarse clock only.</summary>
public sealed class CoarseClockTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>However late the clock was when the session was renewed, and is when it is looked at: up to half of the term nobody is
    /// wrong.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(101)]
    public void A_clock_that_is_behind_by_less_than_half_shows_no_time_past_the_deadline(int remaining)
    {
        for (int behindAtFirst = 0; behindAtFirst < 8; behindAtFirst++)
        {
            long until = LeaseRules.SurelyUntil(-behindAtFirst, remaining);
            for (int behind = 0; 2 * behind < remaining; behind++)
            {
                for (int now = remaining; now < 2 * remaining + 2; now++)
                {
                    Assert.False(LeaseRules.MayUse(until, now - behind));
                }
            }
        }
    }

    [Fact]
    public async Task On_the_systems_clock_a_session_is_valid_until_it_ends_and_not_after()
    {
        var store = new InMemoryLeaseStore();
        LeaseSessionOptions options = new() { Ttl = TimeSpan.FromHours(1) };           // longer than any machine stands still
        LeaseSession disposed = await LeaseSession.OpenAsync(store, options, Token);
        LeaseSession lapsed = await LeaseSession.OpenAsync(store, options, Token);
        Assert.True(disposed.IsValid && lapsed.IsValid);
        await disposed.DisposeAsync();
        await lapsed.LapseAsync();
        Assert.False(disposed.IsValid || lapsed.IsValid);
        Assert.Throws<ObjectDisposedException>(disposed.ThrowIfInvalid);
    }
}
