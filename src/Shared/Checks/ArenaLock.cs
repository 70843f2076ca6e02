using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vmem.Checks;

/// <summary>The arena's lock: held for a hundred nanoseconds at a time, and unfair on purpose.</summary>
/// <remarks>
/// <para>
/// An operation touches some ten cache lines that the previous owner has just written. Where a lock goes back and forth, each operation
/// fetches all of them from the other core, and two threads together do a quarter of the work of one. So the lock is worked in turns. Who
/// comes upon a busy lock stands back until the owner's turn is over (<see cref="LockTurns"/>), and then begins one of its own. A lock
/// that it finds free at two looks with nobody in between it takes at once, so that standing back costs nothing where nobody works.
/// </para>
/// <para>
/// The turn is the lock's, not the waiter's: with sixteen threads it goes from one to the next as rarely as with two. Rejected: that each
/// waiter stands back for a time of its own. Sixteen then did 0.3 to 0.6 of the work of one, and do 0.5 to 1.1 (16 cores). Rejected: a
/// back-off that doubles, and no turns. With it two threads did 0.5 to 0.7, and do 0.8 to 1.0.
/// </para>
/// <para>
/// Whose turn is next is a matter of luck, until somebody has waited for long: who has waited longest is the heir. No other waiter
/// begins the next turn, unless it finds the lock idle. Without an heir one of eight threads could wait for half a second.
/// </para>
/// <para>
/// One interlocked instruction to enter, a plain store to leave. <see cref="Lock"/> was measured beside it, around a single-threaded arena:
/// a seventh to a fifth slower with one thread, and a quarter of the throughput with two (docs/performance.md).
/// </para>
/// <para>
/// In Debug builds the lock knows its owner: to enter it twice is an error at once instead of a thread that waits for itself, and
/// what happens under the lock asserts that it does. In Release builds that would be a store more in every operation.
/// </para>
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct ArenaLock
{
    private Shared<int> _held;
    private Shared<uint> _entries;                // written by the owner only
    private long _turnBegan;                      // a time stamp; written by who takes the lock from another
    private long _heir;                           // since when the one waits whose turn is next; 0: it is anybody's
    private int _owner;                           // in Debug: the thread that holds it; 0: none does

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter()
    {
        AssertNotHeld();
        StepCounter.CountShared();
        if (_held.CompareExchange(1, 0) != 0)
        {
            EnterContended();
        }

        _entries.Write(_entries.Read() + 1);
        SetOwner(Environment.CurrentManagedThreadId);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Exit()
    {
        AssertHeld();
        SetOwner(0);
        _held.VolatileWrite(0);
    }

    /// <summary>Debug builds: throws unless this thread holds the lock.</summary>
    [Conditional("DEBUG")]
    public readonly void AssertHeld() => Invariant.Assert(_owner == Environment.CurrentManagedThreadId, "the lock is held");

    /// <summary>Debug builds: throws if this thread holds the lock.</summary>
    [Conditional("DEBUG")]
    public readonly void AssertNotHeld() => Invariant.Assert(_owner != Environment.CurrentManagedThreadId, "the lock is not held");

    [Conditional("DEBUG")]
    private void SetOwner(int thread) => _owner = thread;

    /// <summary>Debug builds: throws if this thread has waited for a minute (arbitrary, and ages for a lock that is held for nanoseconds):
    /// somebody forgot to release the lock, perhaps as an assertion failed. Else nobody would ever know why the program hangs.</summary>
    [Conditional("DEBUG")]
    private static void AssertReleased(long began) =>
        Invariant.Assert(Debugger.IsAttached || Stopwatch.GetElapsedTime(began) < TimeSpan.FromMinutes(1), "a lock that is held is released");

    /// <summary>Enters, until the result is disposed of.</summary>
    [UnscopedRef]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Scope EnterScope()
    {
        Enter();
        return new Scope(ref this);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EnterContended()
    {
        using var spin = new Spin();
        long began = Stopwatch.GetTimestamp();
        long now;
        bool isHasty = false;
        uint entries = _entries.VolatileRead();
        while (true)
        {
            spin.Pause(isHasty);
            AssertReleased(began);
            uint seen = entries;
            entries = _entries.VolatileRead();
            now = Stopwatch.GetTimestamp();
            if (TryBeHeir(began, now) && !isHasty)
            {
                isHasty = true;
                spin.Restart();
            }

            if (_held.VolatileRead() == 0 && (entries == seen || MayBeginTurn(began, now)) && _held.CompareExchange(1, 0) == 0)
            {
                break;
            }
        }

        _ = Interlocked.CompareExchange(ref _heir, 0, began);
        Volatile.Write(ref _turnBegan, now);
    }

    private readonly bool MayBeginTurn(long began, long now) =>
        !Exploration.IsOn && LockTurns.MayBegin(began, now, Volatile.Read(in _turnBegan), Volatile.Read(in _heir));

    /// <summary>Whether this waiter is the heir; it becomes that if it has waited for long, and longer than another. Not where an explorer
    /// drives: its schedules are to happen again whatever the time.</summary>
    private bool TryBeHeir(long began, long now)
    {
        long heir = Volatile.Read(ref _heir);
        return heir == began ||
            (!Exploration.IsOn && LockTurns.MayInherit(began, now, heir) && Interlocked.CompareExchange(ref _heir, began, heir) == heir);
    }

    /// <summary>The lock is held. The default one holds none.</summary>
    public readonly ref struct Scope(ref ArenaLock held)
    {
        private readonly ref ArenaLock _held = ref held;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Dispose()
        {
            if (!Unsafe.IsNullRef(ref _held))
            {
                _held.Exit();
            }
        }
    }
}
