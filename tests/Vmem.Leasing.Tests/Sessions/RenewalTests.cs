using System.Diagnostics.Metrics;
using Vmem.Leasing.Sessions;
using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Sessions;

/// <summary>When renewals are sent, what follows from their answers, and whom they tell.</summary>
public sealed class RenewalTests : IAsyncDisposable
{
    private readonly Fleet _fleet = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _fleet.DisposeAsync();

    /// <summary>However long the answer took, as long as it is there before the next is due.</summary>
    [Fact]
    public async Task The_next_is_due_from_when_the_last_was_sent()
    {
        _ = await _fleet.OpenAsync();
        List<TimeSpan> sent = [];
        _fleet.Network.Delay = name =>
        {
            if (name == "renew")
            {
                sent.Add(TimeSpan.FromTicks(_fleet.Time.GetTimestamp()));
                _fleet.Time.Advance(TimeSpan.FromSeconds(2));
            }

            return Task.CompletedTask;
        };
        _fleet.Time.Advance(TimeSpan.FromSeconds(45));
        Assert.Equal([10, 20, 30, 40], sent.Select(static time => time.TotalSeconds));
        Assert.Empty(_fleet.Faults);
    }

    [Fact]
    public async Task After_an_answer_that_took_longer_it_is_sent_at_once()
    {
        await using LeaseSession session =
            await LeaseSession.OpenAsync(_fleet.Network, _fleet.Options with { RenewEvery = TimeSpan.FromSeconds(3) }, Token);
        List<TimeSpan> sent = [];
        _fleet.Network.Delay = name =>
        {
            if (name == "renew" && sent.Count < 4)
            {
                sent.Add(TimeSpan.FromTicks(_fleet.Time.GetTimestamp()));
                _fleet.Time.Advance(TimeSpan.FromSeconds(4));
            }

            return Task.CompletedTask;
        };
        _fleet.Time.Advance(TimeSpan.FromSeconds(3));
        _fleet.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([3, 7, 11, 15], sent.Select(static time => time.TotalSeconds));
        Assert.Empty(_fleet.Faults);
    }

    /// <summary>The store answers, and before the session hears of it it is over.</summary>
    [Fact]
    public async Task An_answer_after_the_end_revives_nothing()
    {
        LeaseSession session = await _fleet.OpenAsync();
        Task? ending = null;
        _fleet.Network.Delay = name =>
        {
            ending ??= name == "renew" ? session.LapseAsync().AsTask() : null;
            return Task.CompletedTask;
        };
        _fleet.Pass(0.4);
        await ending!;
        Assert.Equal((false, TimeSpan.Zero), (session.IsValid, session.Remaining));
    }

    [Fact]
    public async Task While_all_is_well_nobody_is_told_anything()
    {
        LeaseSession session = await _fleet.OpenAsync();
        CountingHolder holder = new();
        session.Attach(holder);
        List<LeaseStateChange> changes = [];
        session.StateChanged += changes.Add;
        _fleet.Pass(1);
        _fleet.Pass(1);
        await DeliveredAsync(session);
        Assert.Empty(changes);
        Assert.Equal(0, holder.Resumed);
        _fleet.Network.Fate = static _ => CallFate.Fails;
        _fleet.Pass(1);
        _fleet.Mend();
        _fleet.Pass(0.5);
        await DeliveredAsync(session);
        Assert.Equal([LeaseState.Suspended, LeaseState.Live], changes.Select(static change => change.To));
        Assert.Equal(1, holder.Resumed);
    }

    /// <summary>A timer may be early by the resolution of its clock.</summary>
    [Fact]
    public async Task A_timer_before_the_deadline_tells_nothing_and_is_set_again()
    {
        EarlyTimers early = new(_fleet.Time, TimeSpan.FromMilliseconds(15));
        LeaseSession session = await LeaseSession.OpenAsync(_fleet.Network, _fleet.Options with { TimeProvider = early }, Token);
        List<LeaseStateChange> changes = [];
        session.StateChanged += changes.Add;
        early.FallBehind();
        _fleet.Network.Fate = static _ => CallFate.Fails;
        _fleet.Time.Advance(Fleet.Ttl * 0.9);
        await DeliveredAsync(session);
        Assert.Empty(changes);
        Assert.True(session.IsValid);
        _fleet.Time.Advance(TimeSpan.FromMilliseconds(15));
        await DeliveredAsync(session);
        Assert.Equal(LeaseState.Suspended, Assert.Single(changes).To);
        _fleet.Mend();
        await session.DisposeAsync();
    }

    [Fact]
    public async Task A_loss_is_told_once_and_what_it_was_before()
    {
        LeaseSession session = await _fleet.OpenAsync();
        List<LeaseStateChange> changes = [];
        session.StateChanged += changes.Add;
        await _fleet.Memory.CloseSessionAsync(session.Instance, clean: true, Token);
        List<string> calls = _fleet.Network.Record();
        _fleet.Pass(0.4);
        _fleet.Pass(1);
        await session.LapseAsync();
        await session.DisposeAsync();
        await DeliveredAsync(session);
        LeaseStateChange change = Assert.Single(changes);
        Assert.Equal((LeaseState.Live, LeaseState.Lost), (change.From, change.To));
        Assert.Equal(["renew"], calls);
    }

    [Fact]
    public async Task The_end_of_a_lost_session_asks_the_store_nothing()
    {
        LeaseSession session = await _fleet.OpenAsync();
        await _fleet.Memory.CloseSessionAsync(session.Instance, clean: true, Token);
        List<string> calls = _fleet.Network.Record();
        _fleet.Pass(0.4);
        await session.DisposeAsync();
        Assert.Equal(["renew"], calls);
    }

    /// <summary>They are counted on the thread that moves the clock: other tests count on theirs.</summary>
    [Fact]
    public async Task What_remains_is_measured_in_seconds()
    {
        LeaseSession session = Opened(LeaseSession.OpenAsync(_fleet.Network, _fleet.Options with { Owner = "measured in seconds" }, Token));
        List<double> seconds = [];
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, listening) =>
        {
            if (instrument is { Name: "vmem.lease.remaining", Unit: "s" })
            {
                listening.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<double>((_, value, tags, _) =>
        {
            if (tags[0].Value is "measured in seconds")
            {
                seconds.Add(value);
            }
        });
        listener.Start();
        listener.RecordObservableInstruments();
        Assert.Equal([session.Remaining.TotalSeconds], seconds);
        Assert.InRange(seconds[0], 1, Fleet.Ttl.TotalSeconds);
        await session.DisposeAsync();
    }

    [Fact]
    public async Task Renewals_suspensions_losses_and_grants_are_counted()
    {
        Dictionary<string, long> counts = [];
        int thread = Environment.CurrentManagedThreadId;
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, listening) =>
        {
            if (instrument.Name.StartsWith("vmem.lease.", StringComparison.Ordinal) && instrument is Counter<long>)
            {
                listening.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, count, _, _) =>
        {
            if (Environment.CurrentManagedThreadId == thread)
            {
                counts[instrument.Name] = counts.GetValueOrDefault(instrument.Name) + count;
            }
        });
        LeaseSession session = Opened(LeaseSession.OpenAsync(_fleet.Network, _fleet.Options, Token));
        listener.Start();
        _ = Opened(WorkerId.LeaseAsync(session, "workers", 1, Token));
        _fleet.Time.Advance(Fleet.Ttl * 0.4);
        _fleet.Network.Fate = static _ => CallFate.Fails;
        _fleet.Time.Advance(Fleet.Ttl);
        _fleet.Mend();
        Assert.True(_fleet.Memory.CloseSessionAsync(session.Instance, clean: true, Token).AsTask().IsCompletedSuccessfully);
        _fleet.Time.Advance(Fleet.Ttl / 2);
        Assert.Equal(
            ["vmem.lease.grants 1", "vmem.lease.losses 1", "vmem.lease.renewals 2", "vmem.lease.suspensions 1"],
            counts.Select(static count => $"{count.Key} {count.Value}").Order(StringComparer.Ordinal));
        await session.DisposeAsync();
    }

    private static T Opened<T>(Task<T> task)
    {
        Assert.True(task.IsCompletedSuccessfully);                   // the store is on this thread
        return task.Result;
    }

    /// <summary>All handlers that were due have run.</summary>
    private static Task DeliveredAsync(LeaseSession session)
    {
        TaskCompletionSource last = new();
        session.Announce(last.SetResult);
        return last.Task;
    }

    private sealed class CountingHolder : ILeaseHolder
    {
        public int Resumed { get; private set; }

        public void Lose(Holding holding, string reason)
        {
        }

        public void Resume() => Resumed++;

        public ValueTask CloseAsync() => ValueTask.CompletedTask;
    }

    /// <summary>A clock that is behind its timers.</summary>
    private sealed class EarlyTimers(ManualTime time, TimeSpan by) : TimeProvider
    {
        private bool _isBehind;

        public override long TimestampFrequency => time.TimestampFrequency;

        public override long GetTimestamp() => time.GetTimestamp() - (_isBehind ? by.Ticks : 0);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            time.CreateTimer(callback, state, dueTime, period);

        public void FallBehind() => _isBehind = true;
    }
}
