namespace Vmem.Leasing.Sessions;

/// <summary>Calls to a store, each with a time-out of its own: a store that hangs must not hang its users.</summary>
/// <remarks>What a store has called when its call is cancelled runs on the pool. If it throws, that is no fault of whoever cancelled: a
/// timer's thread, where an exception would end the process, or the end of a session. If it takes long, nobody waits for it.</remarks>
internal sealed class StoreCalls(TimeProvider time, TimeSpan timeout)
{
    /// <exception cref="TimeoutException">The store did not answer. What was asked may have happened.</exception>
    public ValueTask<TResult> AskAsync<TResult>(Func<CancellationToken, ValueTask<TResult>> ask, CancellationToken cancellationToken) =>
        AskAsync(ask, timeout, cancellationToken);

    /// <inheritdoc cref="AskAsync{TResult}(Func{CancellationToken, ValueTask{TResult}}, CancellationToken)"/>
    public async ValueTask<TResult> AskAsync<TResult>(Func<CancellationToken, ValueTask<TResult>> ask, TimeSpan atMost,
        CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var late = new CancellationTokenSource(atMost, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, late.Token);
        CancellationTokenSource given = new();                 // the store's: it may look at it when this call is over
        using CancellationTokenRegistration cancels = either.Token.UnsafeRegister(
            static state => Observe(((CancellationTokenSource)state!).CancelAsync()), given);
        try
        {
            ValueTask<TResult> asked = ask(given.Token);
            if (asked.IsCompleted)
            {
                return await asked.ConfigureAwait(false);
            }

            Task<TResult> answer = asked.AsTask();
            Observe(answer);
            return await answer.WaitAsync(either.Token).ConfigureAwait(false);     // a store may not look at the token
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"The lease store did not answer within {atMost}. What was asked may have happened.");
        }
        finally
        {
            if (either.IsCancellationRequested)
            {
                Observe(given.CancelAsync());                  // this may have left before the registration was called
            }
        }
    }

    // Nobody waits for an answer that came too late; that it was a fault is no news.
    private static void Observe(Task answer) => _ = answer.ContinueWith(static task => _ = task.Exception, CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}
