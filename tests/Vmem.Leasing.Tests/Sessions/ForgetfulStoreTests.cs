using Vmem.Leasing.Sessions;
using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Sessions;

/// <summary>A failover to a replica that lacks more than grants: an arena, or a return.</summary>
public sealed class ForgetfulStoreTests : IAsyncDisposable
{
    private readonly Fleet _fleet = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _fleet.DisposeAsync();

    /// <summary>What was leased of the arena is lost. The session is not, nor what it has of other arenas.</summary>
    [Fact]
    public async Task R4_an_arena_that_was_forgotten_is_lost_and_nothing_else()
    {
        LeaseSession session = await _fleet.OpenAsync();
        WorkerId worker = await WorkerId.LeaseAsync(session, "workers", 4, Token);
        LeaseStoreImage image = _fleet.Memory.TakeImage();
        WorkerId later = await WorkerId.LeaseAsync(session, "workers", 4, Token);
        WorkerId forgotten = await WorkerId.LeaseAsync(session, "others", 4, Token);
        _fleet.Memory.FailOver(image);
        _fleet.Pass(1);
        Assert.Equal((LeaseState.Live, 2), (session.State, session.Incarnation));
        Assert.Equal((true, true, false), (worker.IsValid, later.IsValid, forgotten.IsValid));
        await Eventually.HoldsAsync(() => forgotten.Lost.IsCancellationRequested);
        Assert.False(later.Lost.IsCancellationRequested);
        Assert.Equal(2, (await _fleet.Memory.GetHeldAsync(session.Instance, Token)).Count);
    }

    /// <summary>The session did use it, long ago. So the next holder is told a time, and must wait.</summary>
    [Fact]
    public async Task R10_what_was_given_back_and_is_held_again_after_a_failover_goes_back_with_a_watermark_and_rests()
    {
        LeaseSession session = await _fleet.OpenAsync();
        WorkerId worker = await WorkerId.LeaseAsync(session, "workers", 4, Token);
        LeaseStoreImage image = _fleet.Memory.TakeImage();
        _fleet.Time.Advance(Fleet.Ttl / 10);
        long last = _fleet.Time.GetUtcNow().ToUnixTimeMilliseconds();
        await worker.DisposeAsync();
        _fleet.Memory.FailOver(image);
        _fleet.Pass(0.5);
        LeaseExtent extent = (await _fleet.Memory.ListAsync(1, Token))[0];
        Assert.Equal(LeaseExtentState.Quarantined, extent.State);
        Assert.InRange(extent.Watermark ?? long.MinValue, last, long.MaxValue);
        Assert.True(session.IsValid);
    }

    /// <summary>Two replicas that do not know of each other, or one state that is put back twice.</summary>
    [Fact]
    public async Task R4_a_state_that_is_promoted_twice_has_other_fences_each_time()
    {
        LeaseArena arena = await _fleet.Memory.EnsureArenaAsync("ids",
            new() { Start = 0, Size = 8, Type = "UInt32", Quarantine = Fleet.Ttl }, Token);
        LeaseStoreImage image = _fleet.Memory.TakeImage();
        List<long> fences = [];
        for (int i = 0; i < 2; i++)
        {
            _fleet.Memory.FailOver(image);
            for (int phase = 0; phase < 2; phase++)
            {
                _fleet.Time.Advance(Fleet.Ttl + TimeSpan.FromMilliseconds(1));
                await _fleet.Memory.SweepAsync(arena.Id, Token);
            }

            var session = Guid.NewGuid();
            await _fleet.Memory.OpenSessionAsync(session, "tests", Fleet.Ttl, 0, Token);
            LeaseAnswer answer = await _fleet.Memory.GrantAsync(new LeaseRequest(arena.Id, session, Guid.NewGuid(), 1), Token);
            fences.Add(answer.Claim!.Fence);
        }

        Assert.Equal([1_000_000_001, 2_000_000_001], fences);
        Assert.Equal(3, (await _fleet.Memory.GetInfoAsync(Token)).Incarnation);
    }

    /// <summary>An arena that closes leaves what it has to the next one. If it was lost meanwhile, there is nothing to leave.</summary>
    [Fact]
    public async Task What_was_lost_while_its_arena_closed_is_nobodys_to_take()
    {
        _fleet.Network.Legacy = static session => new([new LeaseClaim(1, session, 8, 1, 1, Guid.NewGuid())]);
        LeaseSession heir = await LeaseSession.OpenAsync(_fleet.Network, _fleet.Options with { Name = "service" }, Token);
        Holding left = Assert.Single(heir.TakeLegacy(1, new Legacy()));
        heir.KeepLegacy(left);
        Assert.Equal([left], heir.TakeLegacy(1, new Legacy()));
        await heir.LapseAsync();
        heir.KeepLegacy(left);
        Assert.Empty(heir.TakeLegacy(1, new Legacy()));
    }

    /// <summary>The arena has found nothing to lose, and does not know yet.</summary>
    [Fact]
    public async Task What_is_being_lost_as_its_arena_closes_is_nobodys_to_take()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeaseDefinition definition = new() { Start = 0, Size = 8, Type = nameof(UInt64), Quarantine = Fleet.Ttl };
        LeaseArena arena = await session.EnsureArenaAsync("ids", definition, mindsQuarantine: true, Token);
        LeaseRequest request = new(arena.Id, session.Instance, Guid.NewGuid(), 1);
        Holding holding = (await session.GrantAsync(request, new Closing(session), "ids", Token)).Holding!;
        Assert.True(await _fleet.Memory.ReleaseAsync(holding.Claim, clean: false, null, Token));
        _fleet.Time.Advance(session.Options.RenewEvery);
        await Eventually.HoldsAsync(() => session.Remaining > Fleet.Ttl * 0.8);
        Assert.IsType<Legacy>(holding.Holder);
        Assert.Empty(session.TakeLegacy(arena.Id, new Legacy()));
    }

    /// <summary>Leaves a lease to the next arena just as it is lost.</summary>
    private sealed class Closing(LeaseSession session) : ILeaseHolder
    {
        public void Lose(Holding holding, string reason) => session.KeepLegacy(holding);

        public void Resume()
        {
        }

        public ValueTask CloseAsync() => ValueTask.CompletedTask;
    }
}
