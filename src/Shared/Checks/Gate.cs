namespace Vmem.Checks;

/// <summary>The lock of everything that has a lock, except what an arena or a client does all day (<see cref="ArenaLock"/>). An interrupt
/// does not end the wait for it.</summary>
/// <remarks>
/// <para>
/// A thread that waits here is often in the middle of something: other gates are entered, magazines are claimed, a request has left its
/// queue and nobody else will complete it. An exception from the wait would leave that half done for ever. So the wait goes on, and the
/// interrupt is left for the thread's next wait outside.
/// </para>
/// <para>
/// Rejected: <c>lock</c>, with a <c>catch</c> wherever a wait must not be broken off. It was right in some places and forgotten in others,
/// and nobody could see which. A gate is a struct so that <c>lock</c> on one does not compile; a test finds other waits.
/// </para>
/// </remarks>
internal readonly struct Gate()
{
    private readonly Lock _lock = new();

    public bool IsHeldByCurrentThread => _lock.IsHeldByCurrentThread;

    public bool TryEnter()
    {
        Exploration.Entering(_lock, mayWait: false);
        StepCounter.CountShared();
        return _lock.TryEnter();
    }

    public void Enter()
    {
        Exploration.Entering(_lock, mayWait: true);
        StepCounter.CountShared();
        if (!_lock.TryEnter())
        {
            using var interrupts = new DeferredInterrupt();
            while (!interrupts.Try(_lock, static held => held.TryEnter(Timeout.InfiniteTimeSpan)))
            {
            }
        }
    }

    public void Exit() => new Scope(_lock).Dispose();

    /// <summary>Enters, until the result is disposed of.</summary>
    public Scope EnterScope()
    {
        Enter();
        return new Scope(_lock);
    }

    /// <summary>The gate is held.</summary>
    public readonly ref struct Scope(Lock held)
    {
        public void Dispose()
        {
            Exploration.Exiting(held);
            held.Exit();
        }
    }
}
