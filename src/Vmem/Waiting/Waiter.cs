using System.Numerics;
using Vmem.Checks;
using Vmem.Space;
using Vmem.Timing;

namespace Vmem.Waiting;

/// <summary>How a wait stands. It leaves <see cref="Queued"/> once, under the arena's lock, and never comes back.</summary>
internal enum WaitState
{
    Queued,
    Granted,
    TimedOut,
    Cancelled,
    Failed,
}

/// <summary>One request that waits for room, and the task that somebody blocks on or awaits.</summary>
/// <remarks>
/// <para>
/// What becomes of a waiter is decided under the arena's lock by whoever takes it out of the queue. A grant, a cancellation, a time-out and
/// a disposal that race each find it queued or not. So nothing is granted twice, or to somebody who has gone. The same thread completes
/// the task after the lock has been given back, and continuations never run on it.
/// </para>
/// <para>
/// Blocking and awaiting are the same: a thread that blocks does so until the task is completed (<see cref="Sleeper"/>). A condition
/// variable for the blocking ones would need a lock that can wait, which the arena's is not, and a second queue whose order had to be
/// merged with this one.
/// </para>
/// <para>The task's state is the arena: whoever holds the task keeps the arena, with all that could ever complete it, alive.</para>
/// </remarks>
internal sealed class Waiter<T>(WaitingRoom<T> room, object keeper, in Request<T> request, Sleeper? sleeper, CancellationToken token)
    : TaskCompletionSource<T>(keeper, TaskCreationOptions.RunContinuationsAsynchronously), IGranted
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private static readonly Action<object?> s_cancelled = static state => ((Waiter<T>)state!).GiveUp(WaitState.Cancelled);
    private static readonly TimerCallback s_timedOut = static state => ((Waiter<T>)state!).GiveUp(WaitState.TimedOut);

    private readonly Request<T> _request = request;
    private Exception? _failure;

    public ref readonly Request<T> Request => ref _request;

    /// <summary>The <see cref="RecordingTag"/> of whose call it is.</summary>
    public ulong Tag { get; } = RecordingTag.Current;

    public WaitState State { get; private set; }

    /// <summary>The range, once granted.</summary>
    public Grant<T> Granted { get; private set; }

    /// <summary>When it began to wait, by the arena's clock; null if it was granted before it had to.</summary>
    public long? Began { get; private set; }

    /// <summary>Set under the lock while the waiter is queued, so that whoever takes it out sees it.</summary>
    public ITimer? Timer { get; private set; }

    /// <summary>Set under the lock while the waiter is queued.</summary>
    public CancellationTokenRegistration Registration { get; private set; }

    public Waiter<T>? Previous { get; set; }

    public Waiter<T>? Next { get; set; }

    /// <summary>Unless the waiter was served at once: it truly waits now, until the time or the token says otherwise.</summary>
    public void Arm(Space<T> space, WaitTimes times, TimeProvider time, TimeSpan timeout)
    {
        long began = time.GetTimestamp();
        using (space.VisitEvenEnded())
        {
            if (State != WaitState.Queued)
            {
                return;
            }

            Begin(began, times);
        }

        ITimer? timer = null;
        CancellationTokenRegistration registration = default;
        try
        {
            timer = timeout == Timeout.InfiniteTimeSpan ? null
                : DetachedTimer.Start(time, s_timedOut, this, timeout, Timeout.InfiniteTimeSpan);
            registration = token.UnsafeRegister(s_cancelled, this);
        }
        catch
        {
            timer?.Dispose();
            throw;
        }

        using (space.VisitEvenEnded())
        {
            if (State == WaitState.Queued)
            {
                Timer = timer;
                Registration = registration;
                return;
            }
        }

        timer?.Dispose();
        _ = registration.Unregister();
    }

    /// <summary>It truly waits from now on. The lock is held.</summary>
    public void Begin(long now, WaitTimes times)
    {
        Began = now;
        times.NoteBegin();
    }

    /// <summary>Whether the time or the token may end it. Once it has left the queue.</summary>
    public bool IsArmed => Timer is not null || Registration != default;

    /// <summary>Neither the time nor the token ends it any more. An interrupt is left for the thread's next wait: the runtime's timers have
    /// a lock.</summary>
    public void Disarm()
    {
        using var interrupts = new DeferredInterrupt();
        while (!interrupts.Try(this, static waiter => waiter.TryDisarm()))
        {
        }
    }

    private bool TryDisarm()
    {
        Timer?.Dispose();
        _ = Registration.Unregister();
        return true;
    }

    /// <summary>It was granted its range. The lock is held.</summary>
    public void Grant(in Grant<T> grant)
    {
        Granted = grant;
        Leave(WaitState.Granted);
    }

    /// <summary>It gets an exception. The lock is held.</summary>
    public void Fail(Exception failure)
    {
        _failure = failure;
        Leave(WaitState.Failed);
    }

    /// <summary>It gave up. The lock is held.</summary>
    public void Leave(WaitState end)
    {
        Invariant.Assert(State == WaitState.Queued, "a wait ends once");
        State = end;
    }

    /// <summary>The time has passed, or the token was cancelled.</summary>
    private void GiveUp(WaitState end) => _ = room.Withdraw(this, end);

    /// <summary>What has become of a wait that has ended, for the thread that it blocked.</summary>
    /// <returns>False if the time has passed.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public bool GetResult(CancellationToken cancellationToken, out T start)
    {
        start = Granted.Start;
        switch (State)
        {
            case WaitState.TimedOut:
                return false;

            case WaitState.Cancelled:
                throw new OperationCanceledException(cancellationToken);

            default:
                Task.GetAwaiter().GetResult();
                return true;
        }
    }

    /// <inheritdoc/>
    void IGranted.Complete() => room.CompleteWaiter(this);

    /// <summary>Completes the task. The lock is not held. An interrupt is left for the thread's next wait: somebody may block on the task,
    /// and the runtime takes a lock to wake him.</summary>
    public void Complete()
    {
        using (DeferredInterrupt interrupts = new())
        {
            _ = interrupts.Try(this, static waiter => waiter.CompleteTask());
        }

        sleeper?.Wake();
    }

    private bool CompleteTask()
    {
        Invariant.Assert(State != WaitState.Queued, "a task is completed when its wait has ended");
        switch (State)
        {
            case WaitState.Cancelled:
                SetCanceled(token);              // not the registration's: that may not be there yet
                break;

            case WaitState.Failed:
                SetException(_failure!);
                break;

            default:
                SetResult(Granted.Start);         // who timed out looks at the state
                break;
        }

        return true;
    }
}
