namespace Vmem.Platform;

/// <summary>Makes system calls fail as the system fails them when it is short of something, for the tests that show that nothing is lost
/// then. The call is not made.</summary>
/// <remarks>Per thread: tests run side by side. When there is none it costs one load of a thread's static beside each system call. Faults
/// nest; the innermost alone decides.</remarks>
internal sealed class SystemCallFault : IDisposable
{
    [ThreadStatic]
    private static SystemCallFault? t_current;

    private readonly Func<SystemCall, bool> _fails;
    private readonly SystemCallFault? _outer;
    private readonly int[] _calls = new int[(int)SystemCall.CountResident + 1];

    private SystemCallFault(Func<SystemCall, bool> fails)
    {
        _fails = fails;
        _outer = t_current;
        t_current = this;
    }

    /// <summary>How many calls have failed.</summary>
    public int Failed { get; private set; }

    /// <summary>From now until the result is disposed of, each system call on this thread asks whether it shall fail.</summary>
    public static SystemCallFault Inject(Func<SystemCall, bool> fails) => new(fails);

    /// <summary>Lets one call fail: the <paramref name="nth"/> of its kind, counted from 1.</summary>
    public static SystemCallFault Inject(SystemCall call, int nth)
    {
        int seen = 0;
        return new SystemCallFault(made => made == call && ++seen == nth);
    }

    /// <summary>Is this call to fail? Asked once before each.</summary>
    public static bool IsDue(SystemCall call) => t_current is { } fault && fault.Ask(call);

    /// <summary>How many calls of a kind there were, failed ones included.</summary>
    public int Count(SystemCall call) => _calls[(int)call];

    public void Dispose() => t_current = _outer;

    private bool Ask(SystemCall call)
    {
        _calls[(int)call]++;
        bool fails = _fails(call);
        Failed += fails ? 1 : 0;
        return fails;
    }
}
