using Vmem.Leasing.Sessions;
using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>A span is lost, and leased again by the same session, while somebody is between a range of it and its fence.</summary>
public sealed class LeasedAgainTests : IAsyncDisposable
{
    private readonly HookedTime _time = new();
    private readonly InMemoryLeaseStore _store;
    private LeaseSession? _session;

    public LeasedAgainTests() => _store = new(_time);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _session!.DisposeAsync();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task A_range_of_the_lost_lease_does_not_get_the_new_fence()
    {
        LeasedArena<ulong> arena = await OpenAsync();
        Assert.Equal(1, (await arena.AllocateAsync(1, default, Token)).Fence);
        Task<LeasedRange<ulong>>[] theirs = [];
        _time.HookIn(nameof(arena.TryAllocate), () => theirs = LoseAndAskAgain(arena));
        bool isMine = arena.TryAllocate(1, out LeasedRange<ulong> mine);
        LeasedRange<ulong>[] held = await Task.WhenAll(theirs);
        Assert.Equal((false, default), (isMine, mine));
        Assert.Equal((ulong[])[1000, 1001], held.Select(range => range.Start).Order());
        Assert.All(held, range => Assert.Equal(2, range.Fence));
    }

    [Fact]
    public async Task Who_waited_for_a_range_of_the_lost_lease_does_not_get_the_new_fence()
    {
        LeasedArena<ulong> arena = await OpenAsync();
        LeasedRange<ulong> all = await arena.AllocateAsync(8, default, Token);
        Task<LeasedRange<ulong>> mine = arena.AllocateAsync(1, default, Token).AsTask();
        Task<LeasedRange<ulong>>[] theirs = [];
        _time.HookIn("WaitOnceAsync", () => theirs = LoseAndAskAgain(arena));
        arena.Free(all);                                             // the one who waits gets a place of it, and looks
        LeasedRange<ulong>[] held = [await mine, .. await Task.WhenAll(theirs)];
        Assert.Equal((ulong[])[1000, 1001, 1002], held.Select(range => range.Start).Order());
        Assert.All(held, range => Assert.Equal(2, range.Fence));
    }

    /// <summary>The store leases the span to the session once more, and there are two who want of it.</summary>
    private Task<LeasedRange<ulong>>[] LoseAndAskAgain(LeasedArena<ulong> arena)
    {
        LeaseClaim claim = Assert.Single(Wait(_store.GetHeldAsync(arena.Session.Instance, Token)));
        ((ILeaseHolder)arena).Lose(new Holding(claim, arena, null), "by the test");
        Assert.True(Wait(_store.ReleaseAsync(claim, clean: true, null, Token)));
        var theirs = new Task<LeasedRange<ulong>>[2];
        for (int i = 0; i < theirs.Length; i++)
        {
            theirs[i] = Task.Run(() => arena.AllocateAsync(1, default, Token).AsTask(), Token);
        }

        Eventually.HoldsAsync(() => Wait(_store.GetHeldAsync(arena.Session.Instance, Token)) is [{ Fence: 2 }]).GetAwaiter().GetResult();
        _ = Task.WaitAll(theirs, 200, Token);                        // so long a fault has to show itself; without one they go on waiting
        return theirs;
    }

    private async Task<LeasedArena<ulong>> OpenAsync()
    {
        LeaseSessionOptions options = new() { Owner = "one", Ttl = Fleet.Ttl, TimeProvider = _time };
        _session = await LeaseSession.OpenAsync(_store, options, Token);
        return await LeasedArena<ulong>.OpenAsync(_session, "ids", Fleet.Ids(8, 8), Token);
    }

    private static T Wait<T>(ValueTask<T> task) => task.AsTask().GetAwaiter().GetResult();

    /// <summary>Calls back once when a session looks at the clock.</summary>
    private sealed class HookedTime : TimeProvider
    {
        private Action? _hook;
        private string _method = "";

        /// <summary>When it looks in a method.</summary>
        public void HookIn(string method, Action hook) => (_method, _hook) = (method, hook);

        public override long GetTimestamp()
        {
            if (_hook is not null && Environment.StackTrace.Contains(_method, StringComparison.Ordinal))
            {
                Interlocked.Exchange(ref _hook, null)?.Invoke();
            }

            return System.GetTimestamp();
        }
    }
}
