namespace Vmem.AspNetCore.Pages;

/// <summary>Does one thing at a time, in the order in which they were asked for.</summary>
/// <remarks>No thread waits: whoever has to, awaits the one before. What throws ends its turn, too.</remarks>
internal sealed class Turns
{
    private Task _last = Task.CompletedTask;

    /// <summary>Does it when all that was asked for before is done.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled before its turn came, and not done.</exception>
    public async Task<TResult> DoAsync<TResult>(Func<TResult> work, CancellationToken token)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await Interlocked.Exchange(ref _last, done.Task).ConfigureAwait(false);
        try
        {
            token.ThrowIfCancellationRequested();
            return work();
        }
        finally
        {
            done.SetResult();
        }
    }

    /// <summary>Does it now, unless something else is being done.</summary>
    /// <returns>Whether it was done.</returns>
    public bool TryDo(Action work)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task last = Volatile.Read(ref _last);
        if (!last.IsCompleted || Interlocked.CompareExchange(ref _last, done.Task, last) != last)
        {
            return false;
        }

        try
        {
            work();
        }
        finally
        {
            done.SetResult();
        }

        return true;
    }
}
