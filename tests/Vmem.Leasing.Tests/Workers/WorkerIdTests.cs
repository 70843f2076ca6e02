using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Workers;

public sealed class WorkerIdTests : IAsyncDisposable
{
    private readonly Fleet _fleet = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private long Now => _fleet.Time.GetUtcNow().ToUnixTimeMilliseconds();

    public ValueTask DisposeAsync() => _fleet.DisposeAsync();

    [Fact]
    public async Task Each_process_has_a_number_of_its_own()
    {
        WorkerId one = await LeaseAsync(await _fleet.OpenAsync());
        WorkerId other = await LeaseAsync(await _fleet.OpenOtherAsync());
        Assert.Equal((0, 1), (one.Value, other.Value));
        Assert.True(one.IsValid && other.IsValid);
        Assert.InRange(other.Fence, one.Fence + 1, long.MaxValue);
        Assert.Null(one.Watermark);
        await one.PastWatermarkAsync(Token);
    }

    [Fact]
    public async Task If_live_processes_have_all_numbers_the_error_says_so()
    {
        LeaseSession session = await _fleet.OpenAsync();
        await LeaseAsync(session);
        await LeaseAsync(session);
        LeaseExhaustedException fault = await Assert.ThrowsAsync<LeaseExhaustedException>(() => LeaseAsync(session));
        Assert.Contains("'workers'", fault.Message, StringComparison.Ordinal);
        Assert.Contains("free 0, leased 2.", fault.Message, StringComparison.Ordinal);
        Assert.Equal((UInt128)2, fault.Usage.Leased);
    }

    [Fact]
    public async Task The_number_of_a_process_that_died_comes_back()
    {
        LeaseSession dead = await _fleet.OpenAsync();
        WorkerId theirs = await LeaseAsync(dead, bits: 1);
        await LeaseAsync(await _fleet.OpenOtherAsync(), bits: 1);
        LeaseSession next = await LeaseSession.OpenAsync(_fleet.Memory, _fleet.Options with { Owner = "next" }, Token);
        _fleet.Cut();
        _fleet.Pass(1.1);
        Task<WorkerId> waiting = LeaseAsync(next, bits: 1);
        for (int i = 0; i < 10 && !waiting.IsCompleted; i++)
        {
            _fleet.Pass(0.5);
        }

        WorkerId heir = await waiting;
        Assert.Equal(theirs.Value, heir.Value);
        Assert.InRange(heir.Fence, theirs.Fence + 1, long.MaxValue);
        Assert.False(theirs.IsValid);
        await next.DisposeAsync();
    }

    /// <summary>The clock of the dead was at most at its last renewal plus its TTL when it last believed in itself.</summary>
    [Fact]
    public async Task R10_the_next_holder_learns_a_time_that_the_dead_cannot_have_passed()
    {
        WorkerId theirs = await LeaseAsync(await _fleet.OpenAsync());
        long last = 0;
        _fleet.Pass(1);
        _fleet.Cut();
        while (theirs.IsValid)
        {
            last = Now;
            _fleet.Time.Advance(TimeSpan.FromMilliseconds(7));
        }

        LeaseSession next = await _fleet.OpenOtherAsync();
        for (int i = 0; i < 6; i++)
        {
            _fleet.Pass(0.5);
            await _fleet.Memory.SweepAsync(1, Token);
        }

        WorkerId heir = await LeaseAsync(next);
        Assert.Equal(theirs.Value, heir.Value);
        Assert.InRange(heir.Watermark!.Value, last, Now);
    }

    [Fact]
    public async Task R10_given_back_it_leaves_the_present()
    {
        LeaseSession session = await _fleet.OpenAsync();
        WorkerId one = await LeaseAsync(session);
        _fleet.Pass(0.5);
        long now = Now;
        await one.DisposeAsync();
        Assert.False(one.IsValid);
        WorkerId heir = await LeaseAsync(await _fleet.OpenOtherAsync());
        Assert.Equal((one.Value, (long?)now), (heir.Value, heir.Watermark));
    }

    [Fact]
    public async Task R10_what_was_reserved_is_the_watermark()
    {
        LeaseSession session = await _fleet.OpenAsync();
        WorkerId one = await LeaseAsync(session);
        await one.ReserveAsync(Now + 5000);
        await one.ReserveAsync(Now + 1000);                          // changes nothing
        long reserved = Now + 5000;
        await session.DisposeAsync();
        WorkerId heir = await LeaseAsync(await _fleet.OpenOtherAsync());
        Assert.Equal(reserved, heir.Watermark);
        Task waiting = heir.PastWatermarkAsync(Token).AsTask();
        _fleet.Time.Advance(TimeSpan.FromMilliseconds(5000));
        Assert.False(waiting.IsCompleted);
        _fleet.Time.Advance(TimeSpan.FromMilliseconds(1));
        await waiting;
        Assert.True(Now > reserved);
    }

    [Fact]
    public async Task Lost_it_is_invalid_and_says_so_once()
    {
        LeaseSession session = await _fleet.OpenAsync();
        WorkerId worker = await LeaseAsync(session);
        await _fleet.Memory.CloseSessionAsync(session.Instance, clean: true, Token);
        _fleet.Pass(0.5);
        Assert.False(worker.IsValid);
        await Eventually.HoldsAsync(() => worker.Lost.IsCancellationRequested);
        await Assert.ThrowsAsync<LeaseLostException>(async () => await worker.ReserveAsync(Now));
    }

    [Fact]
    public async Task A_reservation_that_the_store_refuses_is_an_error()
    {
        LeaseSession session = await _fleet.OpenAsync();
        WorkerId worker = await LeaseAsync(session);
        LeaseClaim claim = Assert.Single(await _fleet.Memory.GetHeldAsync(session.Instance, Token));
        await _fleet.Memory.ReleaseAsync(claim, clean: false, null, Token);
        await Assert.ThrowsAsync<LeaseLostException>(async () => await worker.ReserveAsync(Now));
    }

    [Fact]
    public async Task What_an_operator_takes_away_is_lost_at_the_next_renewal()
    {
        LeaseSession session = await _fleet.OpenAsync();
        WorkerId worker = await LeaseAsync(session);
        LeaseClaim claim = Assert.Single(await _fleet.Memory.GetHeldAsync(session.Instance, Token));
        await _fleet.Memory.ReleaseAsync(claim, clean: false, null, Token);
        _fleet.Pass(0.5);
        Assert.False(worker.IsValid);
        await Eventually.HoldsAsync(() => worker.Lost.IsCancellationRequested);
        Assert.True(session.IsValid);
    }

    [Fact]
    public async Task Another_number_of_bits_is_refused()
    {
        LeaseSession session = await _fleet.OpenAsync();
        await LeaseAsync(session, bits: 1);
        await Assert.ThrowsAsync<LeaseDefinitionException>(() => LeaseAsync(session, bits: 2));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => LeaseAsync(session, bits: 0));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => LeaseAsync(session, bits: 32));
    }

    [Fact]
    public async Task R10_a_session_that_ends_leaves_the_present_too()
    {
        LeaseSession session = await _fleet.OpenAsync();
        await LeaseAsync(session);
        _fleet.Pass(0.5);
        long now = Now;
        await session.DisposeAsync();
        WorkerId heir = await LeaseAsync(await _fleet.OpenOtherAsync());
        Assert.Equal(now, heir.Watermark);
    }

    /// <summary>Who reserves says what it uses: the present is no more than that.</summary>
    [Fact]
    public async Task R10_a_reservation_that_is_over_is_the_watermark_all_the_same()
    {
        WorkerId one = await LeaseAsync(await _fleet.OpenAsync());
        long reserved = Now + 1000;
        await one.ReserveAsync(reserved);
        _fleet.Pass(0.5);
        Assert.InRange(Now, reserved + 1, long.MaxValue);
        await one.DisposeAsync();
        WorkerId heir = await LeaseAsync(await _fleet.OpenOtherAsync());
        Assert.Equal((one.Value, (long?)reserved), (heir.Value, heir.Watermark));
    }

    [Fact]
    public async Task It_is_given_back_once_and_not_if_it_is_lost()
    {
        LeaseSession session = await _fleet.OpenAsync();
        WorkerId one = await LeaseAsync(session);
        WorkerId lost = await LeaseAsync(session);
        LeaseClaim claim = (await _fleet.Memory.GetHeldAsync(session.Instance, Token)).Single(claim => claim.Start == (UInt128)lost.Value);
        await _fleet.Memory.ReleaseAsync(claim, clean: false, null, Token);
        _fleet.Pass(0.5);
        await Eventually.HoldsAsync(() => lost.Lost.IsCancellationRequested);
        List<string> calls = _fleet.Network.Record();
        await one.DisposeAsync();
        await one.DisposeAsync();
        await lost.DisposeAsync();
        Assert.Equal(["release"], calls);
    }

    [Fact]
    public async Task A_set_without_a_name_and_no_session_are_refused()
    {
        LeaseSession session = await _fleet.OpenAsync();
        await Assert.ThrowsAsync<ArgumentNullException>("session", () => LeaseAsync(null!));
        await Assert.ThrowsAsync<ArgumentException>("arena", () => WorkerId.LeaseAsync(session, "", 1, Token));
    }

    [Fact]
    public async Task A_session_that_is_over_asks_the_store_nothing()
    {
        LeaseSession session = await _fleet.OpenAsync();
        await session.DisposeAsync();
        List<string> calls = _fleet.Network.Record();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => LeaseAsync(session));
        Assert.Empty(calls);
    }

    /// <summary>The quarantine is that of who made the set: a TTL that is shorter is as safe.</summary>
    [Fact]
    public async Task A_set_with_a_longer_quarantine_is_as_good()
    {
        WorkerId one = await LeaseAsync(await _fleet.OpenAsync());
        await using LeaseSession brief =
            await LeaseSession.OpenAsync(_fleet.Memory, _fleet.Options with { Owner = "brief", Ttl = Fleet.Ttl / 2 }, Token);
        WorkerId other = await LeaseAsync(brief);
        Assert.Equal((0, 1), (one.Value, other.Value));
    }

    [Fact]
    public async Task A_session_keeps_no_number_that_was_given_back()
    {
        LeaseSession session = await _fleet.OpenAsync();
        WeakReference worker = await LeaseAndReturnAsync(session);
        await Eventually.HoldsAsync(() => !worker.IsAlive, GC.Collect);
    }

    private static async Task<WeakReference> LeaseAndReturnAsync(LeaseSession session)
    {
        WorkerId worker = await LeaseAsync(session);
        await worker.DisposeAsync();
        return new WeakReference(worker);
    }

    private static Task<WorkerId> LeaseAsync(LeaseSession session, int bits = 1) => WorkerId.LeaseAsync(session, "workers", bits, Token);
}
