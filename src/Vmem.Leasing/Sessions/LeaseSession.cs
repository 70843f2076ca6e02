using System.Diagnostics;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Leasing.Metering;
using Vmem.Leasing.Protocol;
using Vmem.Leasing.Sessions;
using Vmem.Timing;

namespace Vmem.Leasing;

/// <summary>A process as the holder of leases. One is enough for a process, whatever it leases: a single renewal keeps all.</summary>
/// <remarks>
/// <para>
/// The session believes in itself until a deadline on its own monotonic clock: a TTL, less a margin, after it <em>sent</em> the last
/// renewal that was answered (R1). Nobody needs to tell it that time is up, so it is right even after the process was stopped and before
/// any timer has run. Past the deadline it is suspended. It is lost, for ever, when the store says that it is dead, or when the store
/// failed over meanwhile (R5).
/// </para>
/// <para>
/// Renewals run on a task of their own, each with a time-out of a sixth of the TTL. Handlers of events and of tokens run on the pool, one
/// after the other: a slow one delays those after it, and no renewal. Events and tokens are hints; <see cref="IsValid"/> is the truth.
/// </para>
/// <para>Dispose of it last, when nothing that it leased is used any more: it gives everything back at once.</para>
/// </remarks>
[DebuggerDisplay("{Instance}: {State}, for {Remaining}")]
public sealed partial class LeaseSession : IAsyncDisposable, IMetered
{
    private readonly LeaseStore _store;
    private readonly LeaseSessionOptions _options;
    private readonly TimeProvider _time;
    private readonly StoreCalls _calls;
    private readonly Holdings _holdings = new();
    private readonly Legacy _legacy = new();
    private readonly CancellationTokenSource _lost = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly CallbackQueue _callbacks;
    private readonly Gate _lock = new();
    private readonly List<ILeaseHolder> _holders = [];
    private readonly ITimer _deadlineTimer;
    private readonly MeteredEntry _metered;
    private readonly long _term;                            // of belief, in time stamps
    private Task _renewing = Task.CompletedTask;
    private long _deadline;                                 // a time stamp; long.MinValue: it is over
    private long _surelyUntil = long.MinValue;              // by the coarse clock: before that no look at the exact one is needed
    private readonly int _firstIncarnation;
    private int _incarnation;
    private int? _heard;                                    // another, that was first heard before the deadline
    private LeaseState _told = LeaseState.Live;             // what the last event said
    private string? _end;                                   // why it is over
    private Exception? _lastFault;
    private int _isDisposed;

    private LeaseSession(LeaseStore store, LeaseSessionOptions options, StoreCalls calls, Guid instance, int incarnation, long sent)
    {
        _store = store;
        _options = options;
        _time = options.TimeProvider;
        _calls = calls;
        _callbacks = new CallbackQueue(Report);
        Instance = instance;
        Lost = _lost.Token;
        _firstIncarnation = _incarnation = incarnation;
        _term = (long)(options.Ttl.TotalSeconds * (1 - options.Margin) * _time.TimestampFrequency);
        _deadline = LeaseRules.Deadline(sent, _term);
        _surelyUntil = SurelyUntil();
        _deadlineTimer = DetachedTimer.Start(
            _time, static state => ((LeaseSession)state!).OnDeadline(), this, Remaining, Timeout.InfiniteTimeSpan);
        LeaseMetrics.Sessions.Add(this, out _metered);
    }

    /// <summary>Called when the state has changed, on the pool, after the handlers of what was before. A handler may come late: it asks for
    /// <see cref="State"/>. It may wait, and dispose of the session.</summary>
    public event Action<LeaseStateChange>? StateChanged;

    /// <summary>Whether what is leased may be used: one read of a monotonic clock. Look at it before each use (R6).</summary>
    /// <remarks>On Linux and macOS neither clock counts the time that the machine itself sleeps. A machine that is suspended, as a laptop
    /// is or a virtual machine that is saved, must not hold leases that others wait for.</remarks>
    public bool IsValid => LeaseRules.MayUse(Volatile.Read(ref _surelyUntil), Environment.TickCount64)
        || IsBeforeDeadline;

    /// <summary>By the exact clock: what a renewal goes by.</summary>
    private bool IsBeforeDeadline => LeaseRules.MayUse(Volatile.Read(ref _deadline), _time.GetTimestamp());

    /// <summary>What the session is worth at this moment.</summary>
    public LeaseState State => Volatile.Read(ref _end) is not null ? LeaseState.Lost : IsValid ? LeaseState.Live : LeaseState.Suspended;

    /// <summary>How long it is valid if the store is not heard any more; zero if it is not valid.</summary>
    public TimeSpan Remaining
    {
        get
        {
            long now = _time.GetTimestamp();
            long deadline = Volatile.Read(ref _deadline);
            return deadline <= now ? TimeSpan.Zero : _time.GetElapsedTime(now, deadline);
        }
    }

    /// <summary>The session's number, drawn at random when it was opened. The store knows it by this alone (R7).</summary>
    public Guid Instance { get; }

    /// <summary>The store's incarnation, as last heard. It changes when the store fails over or is restored.</summary>
    public int Incarnation => Volatile.Read(ref _incarnation);

    /// <summary>Cancelled once, when the session is lost, on the pool: after the handlers of all that was lost with it.</summary>
    public CancellationToken Lost { get; }

    /// <summary>Cancelled when the session is lost, before any handler is called: for the library's own waits. A handler may itself wait
    /// for one of these.</summary>
    internal CancellationToken Ended => _ended.Token;

    /// <summary>How it behaves.</summary>
    public LeaseSessionOptions Options => _options;

    /// <summary>The store that it leases from.</summary>
    public LeaseStore Store => _store;

    string IMetered.Name => _options.Owner;

    /// <summary>Does nothing if the session is valid.</summary>
    /// <exception cref="LeaseSuspendedException">The store has not answered in time. Stop, and try again later.</exception>
    /// <exception cref="LeaseLostException">The session is over. Stop, and open another.</exception>
    /// <exception cref="ObjectDisposedException">It was disposed of.</exception>
    public void ThrowIfInvalid()
    {
        if (!IsValid)
        {
            throw Invalid();
        }
    }

    bool IMetered.TryRead(int figure, out long value)
    {
        value = (long)Remaining.TotalMicroseconds;
        return Volatile.Read(ref _isDisposed) == 0;
    }

    /// <summary>Until the next renewal the process uses no time beyond this: its deadline comes earlier.</summary>
    private static long LatestUse(LeaseSessionOptions options) =>
        (options.TimeProvider.GetUtcNow() + options.Ttl).ToUnixTimeMilliseconds();

    /// <summary>How long the system's coarse clock is enough: for half of what remains. Another clock has no coarse one, and that of
    /// Windows stands still while the machine sleeps, from .NET 11 on, which the exact one does not.</summary>
    private long SurelyUntil() => _time == TimeProvider.System && !OperatingSystem.IsWindows()
        ? LeaseRules.SurelyUntil(Environment.TickCount64, (long)Remaining.TotalMilliseconds)
        : long.MinValue;

    private Exception Invalid()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _isDisposed) != 0, this);
        return Volatile.Read(ref _end) is { } end
            ? new LeaseLostException($"The lease session of '{_options.Owner}' is lost: {end} Use nothing that it leased; open another session.")
            : new LeaseSuspendedException(
                $"The lease session of '{_options.Owner}' is suspended: the store has not answered within {_options.Ttl * (1 - _options.Margin)}{(_lastFault is { } fault ? $" (last: {fault.Message})" : "")}. Use nothing that it leased until it is live again; it is renewed every {_options.RenewEvery}.",
                _lastFault);
    }

    private ILeaseHolder[] Holders()
    {
        using (_lock.EnterScope())
        {
            return [.. _holders];
        }
    }

    private void Report(Exception fault)
    {
        _lastFault = fault;
        try
        {
            _options.Faulted?.Invoke(fault);
        }
        catch (Exception)
        {
            // A log that fails must not end renewals; and nobody is left to be told.
        }
    }
}
