using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Vmem.Checks;

/// <summary>What drives the threads of a protocol, in Debug builds: a schedule explorer, which the tests have.</summary>
/// <remarks>
/// <para>
/// Every use of a <see cref="Shared{T}"/>, every item of a shared array, every barrier, lock, and wait of the protocols comes here first.
/// An explorer then lets one thread at a time go on, in an order that it has chosen. Release builds contain nothing of it.
/// </para>
/// <para>
/// A thread is driven while it has a <c>Current</c> one. Types at this boundary are the BCL's: this source is compiled into each
/// assembly, and there is one explorer for all.
/// </para>
/// <para>
/// Rejected: to rewrite the compiled assembly, as Coyote does. Its rewriter fails on this one, and sees no race on a plain field.
/// </para>
/// </remarks>
internal abstract class Exploration
{
#if DEBUG
    [ThreadStatic]
    private static Exploration? t_current;

    /// <summary>What drives the current thread; null if nothing does.</summary>
    public static Exploration? Current
    {
        get => t_current;
        set => t_current = value;
    }

    public abstract T Read<T>(StrongBox<T> field, bool acquire, (string Member, string File, int Line) where);

    /// <summary>What the thread would read, and no step of it.</summary>
    public abstract T Peek<T>(StrongBox<T> field);

    public abstract void Write<T>(StrongBox<T> field, T value, bool release, (string Member, string File, int Line) where);

    public abstract T Exchange<T>(StrongBox<T> field, T value, (string Member, string File, int Line) where);

    public abstract T CompareExchange<T>(StrongBox<T> field, T value, T comparand, (string Member, string File, int Line) where);

    public abstract T ReadItem<T>(T[] items, int index, (string Member, string File, int Line) where);

    public abstract void WriteItem<T>(T[] items, int index, T value, (string Member, string File, int Line) where);

    public abstract void BarrierProcessWide((string Member, string File, int Line) where);

    /// <summary>The thread has looked for something in vain, and will look again.</summary>
    public abstract void LookAgain((string Member, string File, int Line) where);

    /// <summary>The thread is about to enter a lock that is not made of <see cref="Shared{T}"/>.</summary>
    public abstract void EnterLock(Lock gate, bool mayWait, (string Member, string File, int Line) where);

    /// <summary>The thread is about to leave it.</summary>
    public abstract void ExitLock(Lock gate, (string Member, string File, int Line) where);

    /// <summary>The thread is about to wait for a condition that another makes true.</summary>
    public abstract void WaitFor(Func<bool> condition, (string Member, string File, int Line) where);

    /// <summary>Whether a test wants this thread to forget what it should do.</summary>
    public abstract bool Forgets(string duty);
#endif

    /// <summary>Whether the current thread is driven; never in Release builds.</summary>
    public static bool IsOn =>
#if DEBUG
        Current is not null;
#else
        false;
#endif

    /// <summary>A barrier on every processor that runs a thread of the process.</summary>
    public static void ProcessWideBarrier(
#if DEBUG
        [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0
#endif
        )
    {
#if DEBUG
        if (Current is { } exploration)
        {
            exploration.BarrierProcessWide((member, file, line));
            return;
        }
#endif
        Interlocked.MemoryBarrierProcessWide();
    }

    /// <summary>True if an explorer lets others go on, so that there is nothing to spin for.</summary>
    public static bool LooksAgain(
#if DEBUG
        [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0
#endif
        )
    {
#if DEBUG
        Current?.LookAgain((member, file, line));
#endif
        return IsOn;
    }

    /// <summary>Before a lock is entered.</summary>
    [Conditional("DEBUG")]
    public static void Entering(Lock gate, bool mayWait, [CallerMemberName] string member = "", [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
#if DEBUG
        Current?.EnterLock(gate, mayWait, (member, file, line));
#endif
    }

    /// <summary>Before a lock is left.</summary>
    [Conditional("DEBUG")]
    public static void Exiting(Lock gate, [CallerMemberName] string member = "", [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
#if DEBUG
        Current?.ExitLock(gate, (member, file, line));
#endif
    }

    /// <summary>Before a wait for a task.</summary>
    [Conditional("DEBUG")]
    public static void Awaiting(Task task, [CallerMemberName] string member = "", [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
#if DEBUG
        Current?.WaitFor(() => task.IsCompleted, (member, file, line));
#endif
    }

    /// <summary>Makes a condition false if a test has planted that fault.</summary>
    [Conditional("DEBUG")]
    public static void MayForget(ref bool duty, string name)
    {
#if DEBUG
        duty = duty && Current?.Forgets(name) != true;
#endif
    }
}
