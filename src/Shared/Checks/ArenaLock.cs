using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vmem.Checks;

/// <summary>The arena's lock: held for a hundred nanoseconds at a time, and unfair on purpose.</summary>
/// <remarks>
/// <para>
/// An operation touches some ten cache lines that the previous owner has just written. Where a lock goes back and forth, each operation
/// fetches all of them from the other core, and two threads together do a quarter of the work of one. So a waiter stands back: as long as
/// it sees others enter between two of its looks, it leaves them to their run, for up to <see cref="s_patienceTicks"/>, and only then
/// contends. A lock that it finds free at two looks with nobody in between it takes at once, so that standing back costs nothing where
/// nobody works.
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
    /// <summary>How long a waiter leaves a busy owner to its run: 2 ms, half of what a scheduler commonly lets a runnable thread
    /// wait.</summary>
    /// <remarks>
    /// A run must be long against the time it takes to move the arena's lines over, which at 10^4 live segments is all of a quarter of a
    /// megabyte. Two threads together did 0.59 of the work of one with 0.2 ms, 0.75 with 0.5, 0.78 with 1, and 0.90 (in a later run 0.82)
    /// with 2.
    /// </remarks>
    private static readonly long s_patienceTicks = Stopwatch.Frequency / 500;

    private Shared<int> _held;
    private Shared<uint> _entries;                // written by the owner only
    private int _owner;                           // in Debug: the thread that holds it; 0: none does

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter()
    {
        AssertNotHeld();
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
        uint entries = _entries.VolatileRead();
        while (true)
        {
            spin.Pause();
            AssertReleased(began);
            uint now = _entries.VolatileRead();
            bool idle = now == entries;
            entries = now;
            if (_held.VolatileRead() == 0 && (idle || IsPatienceOver(began)) &&
                _held.CompareExchange(1, 0) == 0)
            {
                break;
            }
        }
    }

    // an explorer's schedules are to happen again whatever the time
    private static bool IsPatienceOver(long began) => !Exploration.IsOn && Stopwatch.GetTimestamp() - began > s_patienceTicks;

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
