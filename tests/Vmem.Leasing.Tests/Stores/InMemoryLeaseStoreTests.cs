using Vmem.Leasing.Conformance;
using Vmem.Testing.Generation;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Stores;

public sealed class InMemoryLeaseStoreTests : LeaseStoreContract
{
    private readonly ManualTime _time = new();
    private readonly InterruptedTime _clock;
    private InMemoryLeaseStore? _memory;
    private LeaseStoreImage? _image;

    public InMemoryLeaseStoreTests() => _clock = new InterruptedTime(_time);

    /// <summary>All, unless the tests are to do less than usual.</summary>
    protected override int OrdersAScript => Night.Percent < 100 ? 10 * Night.Percent : int.MaxValue;

    protected override ValueTask<LeaseStore> CreateForOrderAsync() => CreateAsync();

    protected override ValueTask<LeaseStore> CreateAsync()
    {
        _memory = new InMemoryLeaseStore(_clock);
        return ValueTask.FromResult<LeaseStore>(_memory);
    }

    protected override ValueTask ElapseAsync(TimeSpan time)
    {
        _time.Advance(time);
        return ValueTask.CompletedTask;
    }

    protected override ValueTask RememberAsync()
    {
        _image = _memory!.TakeImage();
        return ValueTask.CompletedTask;
    }

    protected override ValueTask FailOverAsync()
    {
        _memory!.FailOver(_image!);
        return ValueTask.CompletedTask;
    }

    /// <summary>The clock is read under the lock. The second call is made by a thread that can be seen to wait.</summary>
    protected override async Task OverlapAsync(Func<LeaseStore, Task> first, Func<LeaseStore, Task> second)
    {
        TaskCompletionSource<Task> begun = new();
        bool hasWaited = false;
        _clock.AtNextReading(() =>
        {
            Thread other = new(() => begun.SetResult(second(Store))) { IsBackground = true };
            other.Start();
            SpinWait.SpinUntil(() => (other.ThreadState & (ThreadState.WaitSleepJoin | ThreadState.Stopped)) != 0);
            hasWaited = !begun.Task.IsCompleted;
        });
        await first(Store);
        await await begun.Task;
        Assert.True(hasWaited);
    }

    [Fact]
    public async Task Its_operations_complete_at_once()
    {
        await using InMemoryLeaseStore store = new(_time);
        var session = Guid.NewGuid();
        Assert.True(store.EnsureArenaAsync("ids", Definition(64), Token).AsTask().IsCompletedSuccessfully);
        Assert.True(store.OpenSessionAsync(session, "one", Ttl, 0, Token).AsTask().IsCompletedSuccessfully);
        Assert.True(store.GrantAsync(new LeaseRequest(1, session, Guid.NewGuid(), 8), Token).AsTask().IsCompletedSuccessfully);
        Assert.True(store.RenewAsync(session, 0, Token).AsTask().IsCompletedSuccessfully);
        Assert.True(store.ListAsync(1, Token).AsTask().IsCompletedSuccessfully);
        Assert.True(store.CloseSessionAsync(session, clean: true, Token).AsTask().IsCompletedSuccessfully);
    }

    [Fact]
    public async Task A_store_that_was_ended_answers_nothing()
    {
        InMemoryLeaseStore ended = new(_time);
        await ended.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await ended.GetInfoAsync(Token));
    }
}
