using System.Diagnostics.Metrics;
using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Sessions;

/// <summary>What a program's handlers may do, and what a session's own tasks do not hold on to.</summary>
public sealed class SessionHandlerTests : IAsyncDisposable
{
    private readonly Fleet _fleet = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _fleet.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_handler_may_wait_for_the_end_of_its_session(bool byToken)
    {
        LeaseSession session = await _fleet.OpenAsync();
        TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        if (byToken)
        {
            session.Lost.Register(End);
        }
        else
        {
            session.StateChanged += _ => End();
        }

        await _fleet.Memory.CloseSessionAsync(session.Instance, clean: true, Token);
        _ = Task.Run(() => _fleet.Pass(0.4), Token);                  // would hang, if the handler ran here
        await Eventually.HoldsAsync(() => ended.Task.IsCompleted);

        void End()
        {
            session.DisposeAsync().AsTask().GetAwaiter().GetResult();
            ended.SetResult();
        }
    }

    [Fact]
    public async Task A_handler_that_takes_long_holds_up_no_renewal()
    {
        LeaseSession session = await _fleet.OpenAsync();
        WorkerId worker = await WorkerId.LeaseAsync(session, "workers", 2, Token);
        TaskCompletionSource goesOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        worker.Lost.Register(() => goesOn.Task.GetAwaiter().GetResult());
        LeaseClaim claim = Assert.Single(await _fleet.Memory.GetHeldAsync(session.Instance, Token));
        await _fleet.Memory.ReleaseAsync(claim, clean: false, null, Token);
        var passing = Task.Run(() => _fleet.Pass(2), Token);
        try
        {
            await Eventually.HoldsAsync(() => passing.IsCompleted);
            Assert.True(session.IsValid);
            Assert.False(worker.IsValid);
        }
        finally
        {
            goesOn.SetResult();
        }
    }

    /// <summary>A worker waits for a range. The handler that is told of the loss waits for the worker.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_handler_may_wait_for_who_waits_in_an_arena(bool byRange)
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeasedArena<ulong> arena = await LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids(8, 8), Token);
        _ = await arena.AllocateAsync(8, default, Token);
        Task working = arena.AllocateAsync(8, default, Token).AsTask();
        Assert.False(working.IsCompleted);
        TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        if (byRange)
        {
            arena.RangeLost += _ => End();
        }
        else
        {
            session.StateChanged += _ => End();
        }

        await _fleet.Memory.CloseSessionAsync(session.Instance, clean: true, Token);
        _fleet.Pass(0.4);
        await Eventually.HoldsAsync(() => ended.Task.IsCompleted);
        await Assert.ThrowsAsync<LeaseLostException>(() => working);

        void End()
        {
            ((IAsyncResult)working).AsyncWaitHandle.WaitOne();
            ended.SetResult();
        }
    }

    /// <summary>The store answers as the deadline passes: while the timer, which has just found that, goes on to count it.</summary>
    [Fact]
    public async Task Changes_are_told_in_their_order()
    {
        LeaseSession session = await _fleet.OpenAsync();
        List<LeaseState> changes = [];
        session.StateChanged += change => changes.Add(change.To);
        _fleet.Network.Fate = static _ => CallFate.Fails;
        _fleet.Pass(0.8);
        TaskCompletionSource answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _fleet.Network.Delay = _ => answer.Task;
        _fleet.Mend();
        _fleet.Pass(0.05);                                            // a renewal is under way
        int thread = Environment.CurrentManagedThreadId;
        bool hasResumed = false;
        using MeterListener listener = new()
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Name == "vmem.lease.suspensions")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, _, _) =>
        {
            if (Environment.CurrentManagedThreadId == thread)         // else it is another test's
            {
                answer.TrySetResult();
                hasResumed = SpinWait.SpinUntil(() => session.IsValid && changes.Count > 0, TimeSpan.FromMinutes(2));
            }
        });
        listener.Start();
        _fleet.Pass(0.06);
        listener.Dispose();
        Assert.True(hasResumed);
        await Eventually.HoldsAsync(() => changes.Count == 2);
        Assert.Equal([LeaseState.Suspended, LeaseState.Live], changes);
    }

    /// <summary>A session is often opened in the middle of something else: a request, with its user and its trace.</summary>
    [Fact]
    public async Task The_tasks_of_a_session_and_of_its_arenas_do_not_run_as_who_opened_them()
    {
        AsyncLocal<string?> request = new() { Value = "opens" };
        LeaseSession session = await _fleet.OpenAsync();
        LeasedArena<ulong> arena = await LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids(stock: 1), Token);
        request.Value = null;
        List<string> seen = [];
        _fleet.Network.Fate = name =>
        {
            seen.Add($"{name} {request.Value}");
            return CallFate.Answered;
        };
        _fleet.Time.Advance(Fleet.Ttl / 3);
        Assert.True(arena.TryAllocate(8, out _));
        await Eventually.HoldsAsync(() => seen.Contains("grant ") || seen.Contains("grant opens"));
        Assert.Contains("renew ", seen);
        Assert.DoesNotContain(seen, static call => call.EndsWith("opens", StringComparison.Ordinal));
    }
}
