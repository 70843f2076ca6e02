using Vmem.Leasing.Sqlite.Machine;

namespace Vmem.Leasing.Sqlite.Commits;

/// <summary>A call that waits for its turn, and then for the commit.</summary>
internal abstract class Operation(bool writes, CancellationToken cancellationToken)
{
    /// <summary>Whether it may change anything.</summary>
    public bool Writes { get; } = writes;

    public bool IsCancelled => cancellationToken.IsCancellationRequested;

    /// <summary>What refused it. Nothing that was asked was done; what the time has done stays.</summary>
    public Exception? Refusal { get; protected set; }

    /// <summary>Runs it; it may be run again if the transaction is rolled back.</summary>
    /// <exception cref="Exception">The transaction cannot go on.</exception>
    public abstract void Run(LeaseMachine machine);

    /// <summary>It is committed: tells who waits.</summary>
    public abstract void Complete();

    /// <summary>Tells who waits, unless that was done before.</summary>
    public abstract void Fail(Exception fault);

    public abstract void Cancel();
}

/// <inheritdoc/>
internal sealed class Operation<TResult>(Func<LeaseMachine, TResult> run, bool writes, CancellationToken cancellationToken)
    : Operation(writes, cancellationToken)
{
    private readonly TaskCompletionSource<TResult> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationToken _cancellationToken = cancellationToken;
    private TResult? _result;

    public Task<TResult> Done => _done.Task;

    public override void Run(LeaseMachine machine)
    {
        Refusal = null;
        try
        {
            _result = run(machine);
        }
        catch (LeaseException refusal)
        {
            Refusal = refusal;
        }
    }

    public override void Complete()
    {
        if (Refusal is not null)
        {
            _done.SetException(Refusal);
        }
        else
        {
            _done.SetResult(_result!);
        }
    }

    public override void Fail(Exception fault) => _done.TrySetException(fault);

    public override void Cancel() => _done.SetCanceled(_cancellationToken);
}
