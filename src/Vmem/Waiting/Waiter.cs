using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Listing;
using Vmem.Space;

namespace Vmem.Waiting;

/// <summary>How a wait stands. It leaves <see cref="Queued"/> once, under the arena's lock, and never comes back.</summary>
internal enum WaitState : byte
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
/// <para>
/// Rejected: to be the source of a value task, which would save an object. Its task (<see cref="ValueTask{TResult}.AsTask"/>) is completed
/// by another thread some time after the free that made room.
/// </para>
/// <para>The task's state is the arena: whoever holds the task keeps the arena, with all that could ever complete it, alive.</para>
/// </remarks>
internal sealed class Waiter<T>(WaitingRoom<T> room, object keeper, StrongBox<Request<T>> request, WaitLimits? limits, Sleeper? sleeper)
    : TaskCompletionSource<T>(keeper, TaskCreationOptions.RunContinuationsAsynchronously), IGranted
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private static readonly Action<object?> s_cancelled = static state => ((Waiter<T>)state!).GiveUp(WaitState.Cancelled);
    private static readonly TimerCallback s_timedOut = static state => ((Waiter<T>)state!).GiveUpUnheard();

    private Exception? _failure;
    private T _granted;
    private long _began;
    private bool _hasBegun;

    public ref readonly Request<T> Request => ref request.Value;

    /// <summary>The <see cref="RecordingTag"/> of whose call it is.</summary>
    public ulong Tag { get; } = RecordingTag.Current;

    public WaitState State { get; private set; }

    /// <summary>Which it is of those who ever waited in the room: they stand in this order.</summary>
    public long Number { get; set; }

    /// <summary>The range, once granted.</summary>
    public Grant<T> Granted => new(_granted, Request.Size);

    /// <summary>When it began to wait, by the arena's clock; null if it was granted before it had to.</summary>
    public long? Began => _hasBegun ? _began : null;

    public Waiter<T>? Previous { get; set; }

    public Waiter<T>? Next { get; set; }

    /// <summary>Unless the waiter was served at once: it truly waits now, until the time or the token says otherwise.</summary>
    public void Arm(Space<T> space, WaitTimes times, TimeProvider time)
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

        if (VmemEvents.Log.Wants(VmemEvents.Keywords.Waits))
        {
            VmemEvents.Log.WaitBegan(space.Name, double.CreateChecked(Request.Size));
        }

        if (limits is null)
        {
            return;
        }

        WaitLimits.Armed armed = limits.Arm(time, s_timedOut, s_cancelled, this);
        using (space.VisitEvenEnded())
        {
            if (State == WaitState.Queued)
            {
                limits.Held = armed;              // whoever takes it out of the queue sees it
                return;
            }
        }

        armed.Dispose();
    }

    /// <summary>It truly waits from now on. The lock is held.</summary>
    public void Begin(long now, WaitTimes times)
    {
        (_began, _hasBegun) = (now, true);
        times.NoteBegin();
    }

    /// <summary>Whether the time or the token may end it. Once it has left the queue.</summary>
    public bool IsArmed => limits?.Held.IsNothing == false;

    /// <summary>Neither the time nor the token ends it any more.</summary>
    public void Disarm() => limits!.Held.Dispose();

    /// <summary>It was granted its range, which is as long as it asked. The lock is held.</summary>
    public void Grant(T start)
    {
        _granted = start;
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

    /// <summary>The time has passed. What the source throws as it is left is nobody's: on a timer's thread it would end the
    /// process.</summary>
    private void GiveUpUnheard()
    {
        Conclusion nobodys = default;
        nobodys.Take(this, static waiter => waiter.GiveUp(WaitState.TimedOut));
    }

    /// <summary>The time has passed, or the token was cancelled.</summary>
    private void GiveUp(WaitState end) => _ = room.Withdraw(this, end);

    /// <summary>What has become of a wait that has ended, for the thread that it blocked.</summary>
    /// <returns>False if the time has passed.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public bool GetResult(CancellationToken cancellationToken, out T start)
    {
        start = _granted;
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
                SetCanceled(limits?.Token ?? default);
                break;

            case WaitState.Failed:
                SetException(_failure!);
                break;

            default:
                SetResult(_granted);              // who timed out looks at the state
                break;
        }

        return true;
    }
}
