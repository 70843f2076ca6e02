using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Recording;
using Vmem.Segments;
using Vmem.Waiting;

namespace Vmem;

/// <summary>
/// A set of integers, handed out as ranges: the arena of Bonwick &amp; Adams' Vmem ("Magazines and Vmem: Extending the Slab Allocator to
/// Many CPUs and Arbitrary Resources", USENIX 2001).
/// </summary>
/// <remarks>
/// <para>
/// An arena consists of <em>spans</em>, ranges that were added to it or imported from its source. Each span is divided into
/// <em>segments</em>, allocated or free, described by <em>boundary tags</em> that are kept apart from the resource, so that it may be
/// anything: memory, file extents, IDs, ports, addresses. All sizes are multiples of the arena's <em>quantum</em>; requests are rounded up.
/// </para>
/// <para>
/// Instant fit and freeing are O(1) whatever the number of segments, and no operation ever pauses to rebuild a table. The other policies
/// and all constraints are O(log n) in the number of free segments, through an index that is built (O(n), once) when first needed; a
/// constrained request also looks at each free segment of its window that is long enough and badly placed. A request fails only if nothing
/// fits. After warm-up no operation allocates managed memory.
/// </para>
/// <para>
/// An arena may be used by several threads at once, unless <see cref="ArenaOptions{T}.SingleThreaded"/> is set. Its tables lie in native
/// memory, which <see cref="Dispose"/> or the finaliser gives back.
/// </para>
/// </remarks>
/// <typeparam name="T">The integer type: <c>byte</c>, <c>ushort</c>, <c>uint</c>, <c>ulong</c>, <c>nuint</c> or <c>UInt128</c>; all its
/// values can be handed out, 0 and the very top included.</typeparam>
public sealed partial class Arena<T> : INotifyingArenaSource<T>, IDisposable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly SegmentMap<T> _map;
    private readonly T _quantumMask;              // quantum − 1
    private readonly FitPolicy _policy;
    private readonly bool _shared;                // more than one thread may come
    private readonly Action<ArenaLeak<T>>? _leaked;
    private readonly TimeProvider _time;
    private bool _plain;                          // nothing follows a free: no source to give spans back to, nobody who waits, no audit, no recorder
    private bool _disposed;
    private ArenaLock _lock;

    /// <summary>Makes an arena without a span: add some, or let it import.</summary>
    /// <param name="name">A name for messages, dumps and metrics.</param>
    /// <param name="quantum">The unit of allocation, a power of two (vmem_create's <c>quantum</c>).</param>
    /// <param name="options">How it behaves; null for the defaults.</param>
    /// <exception cref="ArgumentException">The quantum is not a power of two, or an option makes no sense.</exception>
    public Arena(string name, T quantum, ArenaOptions<T>? options = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!T.IsPow2(quantum))
        {
            throw new ArgumentException($"The quantum must be a power of two, and {quantum} is none.", nameof(quantum));
        }

        options ??= new ArenaOptions<T>();
        CheckPolicy(options.Policy, nameof(options));
        Name = name;
        Quantum = quantum;
        _quantumMask = quantum - T.One;
        _policy = options.Policy;
        _shared = !options.SingleThreaded;
        _limit = options.Limit;
        _leaked = options.Leaked;
        _time = options.TimeProvider;
        _source = options.Source;
        _sourceQuantum = options.Source is null ? quantum : CheckSourceQuantum(options.Source.Quantum, nameof(options));
        _plain = options.Source is null && !options.Audit;
        _noted = options.Source is not null;
        _importUnit = quantum > _sourceQuantum ? quantum : _sourceQuantum;
        _minImport = options.MinImport;
        _retainedLimit = options.RetainedImport;
        _audit = options.Audit ? new Audit<T>(options.TimeProvider) : null;
        RetainedSpans = 0;
        int classes = CountClasses(options, quantum);
        _map = new SegmentMap<T>(quantum);
        _quantumShift = int.CreateTruncating(T.TrailingZeroCount(quantum));
        if (options.Audit)
        {
            _frontMax = T.MaxValue;
        }
        else if (classes > 0)
        {
            _caches = new QuantumCaches<T>(_map, quantum, classes);
            _magazines = _caches.All;
            _spilled = [.. _magazines.Select(static _ => new List<Magazine<T>>())];
            _frontMax = _caches.Slabs.SizeOf(classes - 1);
            _upkeep = _shared ? Caching.Upkeep.Start(this, _time) : null;
        }

        _metered = ArenaMetrics.Arenas.Add(this);
    }

    /// <summary>Makes an arena with a first span (vmem_create with <c>base</c> and <c>size</c>).</summary>
    /// <param name="name">A name for messages, dumps and metrics.</param>
    /// <param name="start">The first value of the span, a multiple of the quantum.</param>
    /// <param name="size">Its length, a multiple of the quantum and not 0.</param>
    /// <param name="quantum">The unit of allocation, a power of two.</param>
    /// <param name="options">How it behaves; null for the defaults.</param>
    /// <exception cref="ArgumentException">The quantum is not a power of two, an option makes no sense, or the span is empty, misaligned,
    /// or reaches past the top of the type.</exception>
    public Arena(string name, T start, T size, T quantum, ArenaOptions<T>? options = null)
        : this(name, quantum, options)
    {
        try
        {
            AddSpan(start, size);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The arena's name.</summary>
    public string Name { get; }

    /// <summary>The unit of allocation: every range starts at a multiple of it and is a multiple of it long.</summary>
    public T Quantum { get; }

    /// <summary>The policy of the calls that name none.</summary>
    public FitPolicy Policy => _policy;

    /// <summary>
    /// Ends every wait with an <see cref="ObjectDisposedException"/>, gives all imports back to the source, leaked ranges included, and the
    /// tables back to the system; ends a recording, which waits for its stream; reports the leaks to <see cref="ArenaOptions{T}.Leaked"/>. Idempotent. Every other member throws <see cref="ObjectDisposedException"/> afterwards.
    /// </summary>
    public void Dispose()
    {
        List<Segment<T>> imports = [];
        ArenaLeak<T>? leak = null;
        WaitQueue<T> waiters = default;
        ArenaRecorder<T>? recorder;
        EnterFrozen(evenDisposed: true);
        try
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            recorder = _recorder;
            _recorder = null;
            _frontMax = T.Zero;
            CollectImports(imports, emptyOnly: false);
            leak = _leaked is null ? null : DescribeLeak();
            _caches?.End();
            _map.Dispose();
            waiters = FailAll();
        }
        finally
        {
            ExitFrozen();
        }

        _upkeep?.Dispose();
        ArenaMetrics.Arenas.Remove(_metered);
        try
        {
            ConcludeAll(waiters);
            ReleaseAll(imports);
        }
        finally
        {
            TellEnd(recorder, leak);
        }
    }

    /// <summary>Tells everybody of the arena's end. One who throws does not keep it from the others.</summary>
    private void TellEnd(ArenaRecorder<T>? recorder, ArenaLeak<T>? leak)
    {
        try
        {
            NotifyListeners();
        }
        finally
        {
            recorder?.End();
            if (leak is not null)
            {
                _leaked!(leak with { Report = ReportLeaks() });
            }
        }
    }

    /// <summary>Takes the lock. Every public member begins here.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Enter()
    {
        EnterRaw();
        if (_disposed)
        {
            ThrowDisposed();
        }
    }

    /// <summary>Takes the lock and makes sure that a change has all the memory it may need.</summary>
    /// <remarks>The commonest paths have no <c>finally</c>: from here on nothing in them can throw, and locals that no handler can see stay
    /// in registers.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void EnterForChange()
    {
        Enter();
        if (!_map.HasReserve)
        {
            ReserveOrExit();
        }
    }

    private void ReserveOrExit()
    {
        try
        {
            _map.Reserve();
        }
        catch
        {
            Exit();
            throw;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void EnterRaw()
    {
        if (_shared)
        {
            _lock.Enter();
        }
    }

    /// <summary>Every public member ends here. The field's use keeps the arena, and with it the native tables, alive until then.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Exit()
    {
        if (_shared)
        {
            _lock.Exit();
        }

        GC.KeepAlive(this);
    }

    /// <summary>Takes the lock for those who look at the whole: whatever is in magazines stands still, too.</summary>
    private void EnterFrozen(bool evenDisposed = false)
    {
        if (_caches is not null)
        {
            _tending.Enter();
            try
            {
                _caches.Freeze();
            }
            catch
            {
                _tending.Exit();
                throw;
            }
        }

        try
        {
            EnterRaw();
        }
        catch when (_caches is not null)          // the thread was interrupted
        {
            _caches.Thaw();
            _tending.Exit();
            throw;
        }

        if (_disposed && !evenDisposed)
        {
            ExitFrozen();
            throw new ObjectDisposedException(Name, $"Arena '{Name}' has been disposed.");
        }
    }

    private void ExitFrozen()
    {
        Exit();
        if (_caches is not null)
        {
            _caches.Thaw();
            _tending.Exit();
        }
    }

    private void ThrowDisposed()
    {
        Exit();
        throw new ObjectDisposedException(Name, $"Arena '{Name}' has been disposed.");
    }
}
