using Vmem.Leasing.Sessions;
using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Sessions;

/// <summary>A request that was granted, of which the answer was lost.</summary>
public sealed class LostAnswerTests : IAsyncDisposable
{
    private readonly Fleet _fleet = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _fleet.DisposeAsync();

    /// <summary>The request is repeated while the session is over for the store, and again when a renewal has revived it. A return that
    /// takes long lies between that renewal and what it found.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task R11_what_a_repeated_request_gets_is_not_given_back(bool isAbandoned)
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeaseDefinition definition = new() { Start = 0, Size = 8, Type = nameof(UInt64), Quarantine = Fleet.Ttl };
        LeaseArena arena = await session.EnsureArenaAsync("ids", definition, mindsQuarantine: true, Token);
        Repeater holder = new();
        session.Attach(holder);
        WorkerId worker = await WorkerId.LeaseAsync(session, "workers", 2, Token);
        _fleet.Network.Fate = static _ => CallFate.Fails;
        await worker.DisposeAsync();                                  // the return that takes long

        _fleet.Network.Fate = static name => name == "grant" ? CallFate.AnswerLost : CallFate.RequestLost;
        LeaseRequest request = new(arena.Id, session.Instance, Guid.NewGuid(), 1);
        LeaseRequest other = request with { Id = Guid.NewGuid() };
        await LoseAsync(request);
        await LoseAsync(other);
        session.Abandon(other);                                       // found after the other, and given back
        _fleet.Time.Advance(Fleet.Ttl);
        _fleet.Network.Fate = static name => name == "grant" ? CallFate.Answered : CallFate.RequestLost;
        Assert.Equal(LeaseVerdict.SessionNotLive, (await session.GrantAsync(request, holder, "ids", Token)).Verdict);
        if (isAbandoned)
        {
            session.Abandon(request);
        }

        TaskCompletionSource returned = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _fleet.Network.Delay = name => name == "release" ? returned.Task : Task.CompletedTask;
        _fleet.Mend();
        await UntilAsync(() => holder.HasResumed);
        Holding? holding = (await session.GrantAsync(request, holder, "ids", Token)).Holding;
        Assert.NotNull(holding);
        returned.SetResult();
        IReadOnlyList<LeaseClaim> held = [];
        await Eventually.HoldsAsync(async () => !(held = await _fleet.Memory.GetHeldAsync(session.Instance, Token)).Any(
            claim => claim.Arena != arena.Id || claim.Request == other.Id));
        Assert.Equal(holding.Claim, Assert.Single(held));
        Assert.True(session.IsValid);
        session.Detach(holder);

        async Task LoseAsync(LeaseRequest request)
        {
            Task asking = session.GrantAsync(request, holder, "ids", Token).AsTask();
            await UntilAsync(() => asking.IsCompleted);
            await Assert.ThrowsAsync<TimeoutException>(() => asking);
        }
    }

    private Task UntilAsync(Func<bool> condition) =>
        Eventually.HoldsAsync(condition, () => _fleet.Time.Advance(TimeSpan.FromMilliseconds(1)));

    private sealed class Repeater : ILeaseHolder
    {
        private volatile bool _hasResumed;

        public bool HasResumed => _hasResumed;

        public void Lose(Holding holding, string reason)
        {
        }

        public void Resume() => _hasResumed = true;

        public ValueTask CloseAsync() => ValueTask.CompletedTask;
    }
}
