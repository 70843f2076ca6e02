using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Rules;

/// <summary>The rules of docs/leases.md, seen from whole processes. Those that concern a store alone are tests of the conformance suite, by
/// the same names; each can fail: see <see cref="Model.ProtocolModelTests"/>, where they are switched off.</summary>
public sealed class RuleTests : IAsyncDisposable
{
    private readonly Fleet _fleet = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _fleet.DisposeAsync();

    /// <summary>Each call may come through another connection: what a call needs, it brings.</summary>
    [Fact]
    public async Task R0_nothing_is_kept_between_calls()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeasedArena<ulong> arena = await LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids(), Token);
        LeasedRange<ulong> range = await arena.AllocateAsync(8, default, Token);
        LeaseStoreImage image = _fleet.Memory.TakeImage();
        InMemoryLeaseStore other = new(_fleet.Time);
        other.FailOver(image);                                       // another server, which was never called before
        LeaseRenewal renewal = (await other.RenewAsync(session.Instance, 0, Token))!;
        LeaseClaim claim = Assert.Single(await other.GetHeldAsync(session.Instance, Token));
        Assert.Equal((1, range.Fence), (renewal.Held, claim.Fence));
        Assert.True(await other.ReleaseAsync(claim, clean: true, null, Token));
    }

    [Fact]
    public async Task R1_when_others_can_get_it_its_holder_has_known_for_long()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeasedArena<ulong> arena = await LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids(8), Token);
        await arena.AllocateAsync(8, default, Token);
        LeasedArena<ulong> theirs = await LeasedArena<ulong>.OpenAsync(await _fleet.OpenOtherAsync(), "ids", Fleet.Ids(8), Token);
        _fleet.Cut();
        int steps = 0;
        LeasedRange<ulong> range = default;
        await Eventually.HoldsAsync(() => theirs.TryAllocate(8, out range), () =>
        {
            _fleet.Time.Advance(Fleet.Ttl / 50);
            steps++;
        });

        Assert.False(session.IsValid);
        Assert.InRange(steps, 90, int.MaxValue);                     // a TTL and a quarantine, less what had passed of them
        Assert.Equal(1000ul, range.Start);
    }

    [Fact]
    public async Task R2_no_process_keeps_what_is_allocated_but_the_store()
    {
        LeaseSession first = await _fleet.OpenAsync();
        LeasedArena<ulong> arena = await LeasedArena<ulong>.OpenAsync(first, "ids", Fleet.Ids(), Token);
        LeasedRange<ulong> range = await arena.AllocateAsync(8, default, Token);

        // Another process, which has never heard of the first, nor read any list.
        LeasedArena<ulong> fresh = await LeasedArena<ulong>.OpenAsync(await _fleet.OpenOtherAsync(), "ids", null, Token);
        LeasedRange<ulong> next = await fresh.AllocateAsync(8, default, Token);
        Assert.NotEqual(range.Start, next.Start);
        Assert.InRange(next.Fence, range.Fence + 1, long.MaxValue);
    }

    [Fact]
    public async Task R3_a_TTL_longer_than_the_quarantine_is_refused_at_the_opening()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeasedArenaOptions<ulong> options = Fleet.Ids() with { Definition = new() { Size = 64, Quarantine = Fleet.Ttl / 2 } };
        LeaseDefinitionException fault = await Assert.ThrowsAsync<LeaseDefinitionException>(
            () => LeasedArena<ulong>.OpenAsync(session, "short", options, Token));
        Assert.Contains("shorten the TTL", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task R4_a_grant_lost_in_a_failover_is_reasserted_and_given_to_nobody()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeasedArena<ulong> arena = await LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids(), Token);
        LeaseSession other = await _fleet.OpenOtherAsync();
        LeaseStoreImage image = _fleet.Memory.TakeImage();
        LeasedRange<ulong> range = await arena.AllocateAsync(8, default, Token);      // acknowledged, not replicated
        int before = session.Incarnation;
        _fleet.Memory.FailOver(image);
        _fleet.Pass(0.5);
        Assert.True(session.IsValid);
        Assert.Equal(before + 1, session.Incarnation);
        _fleet.Pass(3);
        LeasedArena<ulong> theirs = await LeasedArena<ulong>.OpenAsync(other, "ids", null, Token);
        LeasedRange<ulong> next = await theirs.AllocateAsync(8, default, Token);
        Assert.NotEqual(range.Start, next.Start);
        Assert.InRange(next.Fence, range.Fence + 1_000_000, long.MaxValue);
        arena.Free(range);
    }

    [Fact]
    public async Task R4_what_cannot_be_reasserted_is_lost_alone()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeasedArena<ulong> arena = await LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids(), Token);
        LeasedRange<ulong> kept = await arena.AllocateAsync(8, default, Token);
        List<RangeLost<ulong>> lost = [];
        arena.RangeLost += lost.Add;
        LeaseStoreImage image = _fleet.Memory.TakeImage();
        LeasedRange<ulong> range = await arena.AllocateAsync(8, default, Token);
        _fleet.Memory.FailOver(image);
        _fleet.Network.Fate = name => name == "reassert" ? CallFate.Fails : CallFate.Answered;
        LeaseClaim thief = new(1, session.Instance, range.Start, range.Size, range.Fence - 1, Guid.NewGuid());
        Assert.Equal(LeaseReassertion.Reinstated, await _fleet.Memory.ReassertAsync(thief, Token));
        _fleet.Mend();
        _fleet.Pass(0.5);
        await Eventually.HoldsAsync(() => lost.Count != 0);
        Assert.Equal([range], lost.Select(loss => loss.Range));
        Assert.True(session.IsValid);
        arena.Free(kept);
    }

    [Fact]
    public async Task R5_who_was_past_its_deadline_at_a_failover_is_lost()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeasedArena<ulong> arena = await LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids(), Token);
        await arena.AllocateAsync(8, default, Token);
        _fleet.Network.Fate = static _ => CallFate.Fails;
        LeaseStoreImage image = _fleet.Memory.TakeImage();
        _fleet.Pass(1.2);
        Assert.Equal(LeaseState.Suspended, session.State);
        _fleet.Memory.FailOver(image);
        _fleet.Mend();
        _fleet.Pass(0.5);
        Assert.Equal(LeaseState.Lost, session.State);
    }

    [Fact]
    public async Task R5_who_holds_nothing_may_go_on()
    {
        LeaseSession session = await _fleet.OpenAsync();
        _fleet.Network.Fate = static _ => CallFate.Fails;
        LeaseStoreImage image = _fleet.Memory.TakeImage();
        _fleet.Pass(1.2);
        _fleet.Memory.FailOver(image);
        _fleet.Mend();
        _fleet.Pass(0.5);
        Assert.Equal(LeaseState.Live, session.State);
    }

    /// <summary>A resource that keeps the largest fence it has seen is safe from who does not look.</summary>
    [Fact]
    public async Task R6_the_fence_stops_who_did_not_look()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeasedArena<ulong> arena = await LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids(8), Token);
        LeasedRange<ulong> late = await arena.AllocateAsync(8, default, Token);
        _fleet.Cut();
        for (int i = 0; i < 3; i++)
        {
            _fleet.Pass(1.1);
            await _fleet.Memory.SweepAsync(1, Token);
        }

        LeasedArena<ulong> theirs = await LeasedArena<ulong>.OpenAsync(await _fleet.OpenOtherAsync(), "ids", null, Token);
        LeasedRange<ulong> next = await theirs.AllocateAsync(8, default, Token);
        long seen = 0;
        bool Use(LeasedRange<ulong> range) => range.Fence >= seen && (seen = range.Fence) > 0;
        Assert.True(Use(next));
        Assert.Equal(late.Start, next.Start);
        Assert.False(Use(late));
        Assert.False(session.IsValid);
    }

    [Fact]
    public async Task R7_each_session_draws_a_number_of_its_own()
    {
        LeaseSession one = await LeaseSession.OpenAsync(_fleet.Memory, _fleet.Options, Token);
        LeaseSession twin = await LeaseSession.OpenAsync(_fleet.Memory, _fleet.Options, Token);
        Assert.NotEqual(one.Instance, twin.Instance);
        await one.DisposeAsync();
        await twin.DisposeAsync();
    }

    [Fact]
    public async Task R8_a_late_release_of_a_process_changes_nothing()
    {
        LeaseSession session = await _fleet.OpenAsync();
        WorkerId worker = await WorkerId.LeaseAsync(session, "workers", 1, Token);
        LeaseClaim claim = Assert.Single(await _fleet.Memory.GetHeldAsync(session.Instance, Token));
        await _fleet.Memory.CloseSessionAsync(session.Instance, clean: true, Token);      // declared dead, and it does not know
        WorkerId next = await WorkerId.LeaseAsync(await _fleet.OpenOtherAsync(), "workers", 1, Token);
        Assert.Equal(worker.Value, next.Value);
        await worker.DisposeAsync();
        Assert.False(await _fleet.Memory.ReleaseAsync(claim, clean: true, null, Token));
        Assert.True(next.IsValid);
        Assert.Equal((UInt128)1, (await _fleet.Memory.GetUsageAsync(1, Token)).Leased);
    }

    /// <summary>The store cannot tell of room, as one whose connection for notices is half open.</summary>
    [Fact]
    public async Task R9_without_any_notice_those_who_wait_are_served()
    {
        LeaseSession other = await _fleet.OpenOtherAsync();
        LeasedArena<ulong> theirs = await LeasedArena<ulong>.OpenAsync(other, "ids", Fleet.Ids(8), Token);
        await theirs.AllocateAsync(8, default, Token);
        LeasedArena<ulong> ours = await LeasedArena<ulong>.OpenAsync(await _fleet.OpenAsync(), "ids", Fleet.Ids(8), Token);
        Assert.Null(_fleet.Network.WatchRoom(1, static () => { }));
        Task<LeasedRange<ulong>> waiting = ours.AllocateAsync(8, default, Token).AsTask();
        await other.DisposeAsync();
        await Eventually.HoldsAsync(() => waiting.IsCompleted, () => _fleet.Time.Advance(TimeSpan.FromMilliseconds(1)));

        Assert.Equal(8ul, (await waiting).Size);
    }

    [Fact]
    public async Task R11_what_was_granted_and_never_heard_of_is_found_and_given_back()
    {
        LeaseSession session = await _fleet.OpenAsync();
        _fleet.Network.Fate = static name => name == "grant" ? CallFate.AnswerLost : CallFate.Answered;
        Task<WorkerId> leasing = WorkerId.LeaseAsync(session, "workers", 1, Token);
        Assert.Equal((UInt128)1, (await _fleet.Memory.GetUsageAsync(1, Token)).Leased);
        await Eventually.HoldsAsync(() => leasing.IsCompleted, () => _fleet.Time.Advance(TimeSpan.FromMilliseconds(50)));    // time-outs

        await Assert.ThrowsAsync<TimeoutException>(() => leasing);
        _fleet.Mend();
        _fleet.Pass(0.5);
        LeaseUsage usage = await _fleet.Memory.GetUsageAsync(1, Token);
        Assert.Equal((UInt128.Zero, UInt128.Zero), (usage.Leased, usage.Quarantined));
        Assert.True(session.IsValid);
    }

    [Fact]
    public async Task R11_a_return_that_is_under_way_is_not_taken_for_an_unknown_lease()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeasedArena<ulong> arena = await LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids(8), Token);
        LeasedRange<ulong> range = await arena.AllocateAsync(8, default, Token);
        _fleet.Network.Fate = static name => name == "release" ? CallFate.Fails : CallFate.Answered;
        arena.Free(range);                                           // not clean
        await Eventually.HoldsAsync(() => !_fleet.Faults.IsEmpty);   // the return is tried on the pool, and fails

        _fleet.Pass(0.5);
        Assert.Equal((UInt128)8, (await _fleet.Memory.GetUsageAsync(1, Token)).Leased);
        _fleet.Mend();
        _fleet.Pass(0.5);
        Assert.Equal((UInt128)8, (await _fleet.Memory.GetUsageAsync(1, Token)).Quarantined);
    }
}
