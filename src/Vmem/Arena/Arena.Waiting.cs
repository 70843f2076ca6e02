using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Ranges;
using Vmem.Space;

namespace Vmem;

// Waiting for room: vmem_alloc and vmem_xalloc with VM_SLEEP. See WaitingRoom.
public sealed partial class Arena<T>
{
    /// <summary>Allocates a range under the arena's policy; if nothing fits, waits until something does.</summary>
    /// <inheritdoc cref="TryAllocate(T, FitPolicy, TimeSpan, out T, CancellationToken)"/>
    public bool TryAllocate(T size, TimeSpan timeout, out T start, CancellationToken cancellationToken = default) =>
        TryAllocate(size, _policy, timeout, out start, cancellationToken);

    /// <summary>Allocates a range under the given policy; if nothing fits, waits until something does (vmem_alloc with VM_SLEEP).</summary>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <param name="policy">Which free segment is taken.</param>
    /// <param name="timeout">How long to wait at most. Zero: not at all. <see cref="Timeout.InfiniteTimeSpan"/>: for ever.</param>
    /// <param name="start">The first value of the range.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>False if the time has passed.</returns>
    /// <exception cref="ArgumentException">The request is not well formed, the timeout is negative or more than
    /// <see cref="int.MaxValue"/> milliseconds, or the call would wait for what no freeing and importing could ever make room
    /// for.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The arena was disposed, before the call or during the wait.</exception>
    /// <exception cref="InvalidOperationException">The call would wait in a single-threaded arena: nobody could free meanwhile.</exception>
    /// <remarks>First come, first served among those who wait. What the source throws while it is asked on behalf of this request is thrown
    /// here. A wait costs some managed objects; a call that need not wait none, and as much as one that cannot.</remarks>
    public bool TryAllocate(T size, FitPolicy policy, TimeSpan timeout, out T start, CancellationToken cancellationToken = default)
    {
        T rounded = _space.RoundUp(size);
        Request<T>.CheckPolicy(policy);
        CheckTimeout(timeout);
        cancellationToken.ThrowIfCancellationRequested();
        if (timeout == TimeSpan.Zero)
        {
            return TryAllocate(size, policy, out start);
        }

        bool tried = _room is not { IsQueued: true };
        return (tried && TryAllocate(size, policy, out start)) ||
            Room().Block(AskPlain(rounded, policy), tried, timeout, cancellationToken,
                out start);
    }

    /// <summary>Allocates a range that satisfies constraints, under the arena's policy; if there is no place, waits until there
    /// is.</summary>
    /// <inheritdoc cref="TryAllocateConstrained(T, in RangeConstraints{T}, FitPolicy, TimeSpan, out T, CancellationToken)"/>
    public bool TryAllocateConstrained(T size, in RangeConstraints<T> constraints, TimeSpan timeout, out T start,
        CancellationToken cancellationToken = default) =>
        TryAllocateConstrained(size, constraints, _policy, timeout, out start, cancellationToken);

    /// <summary>Allocates a range that satisfies constraints, under the given policy; if there is no place, waits until there is
    /// (vmem_xalloc with VM_SLEEP).</summary>
    /// <inheritdoc cref="TryAllocate(T, FitPolicy, TimeSpan, out T, CancellationToken)"
    /// path="/*[self::returns or self::exception or self::remarks]"/>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <param name="constraints">Where it may lie.</param>
    /// <param name="policy">Which of the possible places is taken.</param>
    /// <param name="timeout">How long to wait at most. Zero: not at all. <see cref="Timeout.InfiniteTimeSpan"/>: for ever.</param>
    /// <param name="start">The first value of the range.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public bool TryAllocateConstrained(T size, in RangeConstraints<T> constraints, FitPolicy policy, TimeSpan timeout, out T start,
        CancellationToken cancellationToken = default)
    {
        Request<T> request = Ask(_space.RoundUp(size), constraints, policy, RequestKind.Segment, AuditCall.AllocateConstrained);
        CheckTimeout(timeout);
        cancellationToken.ThrowIfCancellationRequested();
        bool tried = timeout == TimeSpan.Zero || _room is not { IsQueued: true };
        if (tried && TryMeet(request, out Grant<T> grant))
        {
            start = grant.Start;
            return true;
        }

        return Room().Block(request, tried, timeout, cancellationToken, out start);
    }

    /// <summary>Allocates a range under the arena's policy; completes when there is room.</summary>
    /// <inheritdoc cref="AllocateAsync(T, FitPolicy, CancellationToken)"/>
    public ValueTask<T> AllocateAsync(T size, CancellationToken cancellationToken = default) =>
        AllocateAsync(size, _policy, cancellationToken);

    /// <summary>Allocates a range under the given policy; completes when there is room, at once if there is (vmem_alloc with
    /// VM_SLEEP).</summary>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <param name="policy">Which free segment is taken.</param>
    /// <param name="cancellationToken">Ends the wait. In a single-threaded arena it must be cancelled on the one thread.</param>
    /// <returns>The first value of the range. Cancelled with the token; faulted with <see cref="ObjectDisposedException"/> if the arena is
    /// disposed meanwhile, or with what the source threw when it was asked on behalf of this request.</returns>
    /// <exception cref="ArgumentException">The request is not well formed, or would wait for what no freeing and importing could ever make
    /// room for; thrown at once.</exception>
    /// <remarks>First come, first served among those who wait. A call that need not wait allocates no managed memory. A range that is
    /// granted belongs to the caller, also if the task is never looked at. What the source throws before the call has begun to wait is
    /// thrown at once.</remarks>
    public ValueTask<T> AllocateAsync(T size, FitPolicy policy, CancellationToken cancellationToken = default)
    {
        T rounded = _space.RoundUp(size);
        Request<T>.CheckPolicy(policy);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<T>(cancellationToken);
        }

        bool tried = _room is not { IsQueued: true };
        return tried && TryAllocate(size, policy, out T start)
            ? new ValueTask<T>(start)
            : WaitAsync(AskPlain(rounded, policy), tried, cancellationToken);
    }

    /// <summary>Allocates a range that satisfies constraints, under the arena's policy; completes when there is a place.</summary>
    /// <inheritdoc cref="AllocateAsync(T, in RangeConstraints{T}, FitPolicy, CancellationToken)"/>
    public ValueTask<T> AllocateAsync(T size, in RangeConstraints<T> constraints, CancellationToken cancellationToken = default) =>
        AllocateAsync(size, constraints, _policy, cancellationToken);

    /// <summary>Allocates a range that satisfies constraints, under the given policy; completes when there is a place (vmem_xalloc with
    /// VM_SLEEP).</summary>
    /// <inheritdoc cref="AllocateAsync(T, FitPolicy, CancellationToken)"
    /// path="/*[self::returns or self::exception or self::remarks]"/>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <param name="constraints">Where it may lie.</param>
    /// <param name="policy">Which of the possible places is taken.</param>
    /// <param name="cancellationToken">Ends the wait. In a single-threaded arena it must be cancelled on the one thread.</param>
    public ValueTask<T> AllocateAsync(T size, in RangeConstraints<T> constraints, FitPolicy policy,
        CancellationToken cancellationToken = default)
    {
        Request<T> request = Ask(_space.RoundUp(size), constraints, policy, RequestKind.Segment, AuditCall.AllocateConstrained);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<T>(cancellationToken);
        }

        bool tried = _room is not { IsQueued: true };
        return tried && TryMeet(request, out Grant<T> grant) ? new ValueTask<T>(grant.Start) : WaitAsync(request, tried, cancellationToken);
    }

    /// <summary>Says that the source may have room again: those who wait are tried. For sources that cannot say so themselves
    /// (<see cref="INotifyingArenaSource{T}"/>).</summary>
    /// <remarks>Not needed for what arenas give back to it, unless they are of one thread. Cheap when nobody waits; else the source is
    /// asked on this thread, unless another is asking it. Frees in the arena itself need no such call.</remarks>
    public void RetryWaiters()
    {
        Conclusion end = default;
        _ = _space.EndDueRests(ref end);
        bool isWatched;
        using (_space.Visit())
        {
            isWatched = _space.IsWatched;
        }

        if (isWatched)
        {
            end.Take(Room(), static room => room.Retry());
        }

        end.Throw();
    }

    private Request<T> AskPlain(T size, FitPolicy policy) =>
        new(new Placement<T>(size, default, Quantum), policy, RequestKind.Range, _space.Auditor?.Sign(AuditCall.Allocate));

    private static void CheckTimeout(TimeSpan timeout)
    {
        if (timeout != Timeout.InfiniteTimeSpan && (timeout < TimeSpan.Zero || timeout.TotalMilliseconds > int.MaxValue))
        {
            throw new ArgumentOutOfRangeException(nameof(timeout), timeout, $"A timeout is infinite or between 0 and {int.MaxValue} ms.");
        }
    }

    private ValueTask<T> WaitAsync(in Request<T> request, bool tried, CancellationToken cancellationToken) =>
        new(Room().Wait(request, tried, Timeout.InfiniteTimeSpan, cancellationToken).Task);
}
