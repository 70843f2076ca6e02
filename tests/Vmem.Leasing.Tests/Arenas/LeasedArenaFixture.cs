using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>Processes that lease from one arena of 64 IDs, in spans of 8.</summary>
public abstract class LeasedArenaFixture : IAsyncDisposable
{
    private protected Fleet Processes { get; } = new();

    private protected static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await Processes.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected static Task<LeasedArena<ulong>> OpenAsync(LeaseSession session, LeasedArenaOptions<ulong>? options = null) =>
        LeasedArena<ulong>.OpenAsync(session, "ids", options ?? Fleet.Ids(), Token);

    /// <summary>Moves the clock until a wait is over: time-outs and polls are part of it.</summary>
    private protected Task<TResult> FinishAsync<TResult>(ValueTask<TResult> waiting) => FinishAsync(waiting.AsTask());

    private protected async Task<TResult> FinishAsync<TResult>(Task<TResult> waiting)
    {
        await UntilAsync(() => Task.FromResult(waiting.IsCompleted));
        return await waiting;
    }

    private protected async Task UntilAsync(Func<Task<bool>> condition)
    {
        await Eventually.HoldsAsync(condition, () => Processes.Time.Advance(TimeSpan.FromMilliseconds(1)));
    }
}
