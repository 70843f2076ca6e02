using System.Diagnostics;
using System.Numerics;
using Vmem.Diagnostics;
using Vmem.Leasing.Arenas;
using Vmem.Leasing.Journals;
using Vmem.Leasing.Metering;
using Vmem.Leasing.Sessions;

namespace Vmem.Leasing;

/// <summary>An arena that processes and machines share. Each process leases spans of it and hands out ranges of them by itself.</summary>
/// <remarks>
/// <para>
/// This is the import of the paper, between machines: the store is the arena below, and the arena of the process is the cache. With spans
/// of 1,024 IDs, one call to the store serves a thousand allocations. A few unused spans lie ready, so that nobody waits for the network.
/// </para>
/// <para>
/// Nothing is handed out while the session is invalid. What was handed out before is the program's to stop using: it looks at
/// <see cref="LeaseSession.IsValid"/> before each use (R6), or lets the resource check <see cref="LeasedRange{T}.Fence"/>.
/// </para>
/// </remarks>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("{Name,nq}: {Arena}")]
public sealed partial class LeasedArena<T> : IAsyncDisposable, ILeaseHolder, IMetered
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private const int DefaultSpanQuanta = 1024;

    private readonly LeaseSession _session;
    private readonly LeaseArena _arena;
    private readonly SpanStock<T> _stock;
    private readonly StockFiller<T> _filler;
    private readonly WakeSignal _wake = new();
    private readonly IDisposable? _roomWatch;
    private readonly MeteredEntry _metered;
    private readonly LostFences _lostFences = new();
    private readonly LossBarrier _barrier = new();
    private readonly CancellationTokenSource _forgotten = new();  // the store may forget the arena: then nothing more comes
    private readonly SpanRevoker<T> _revoker;
    private readonly T _quantumLess1;
    private readonly bool _isQuantumPowerOf2;     // then rounding takes no division
    private RangeJournal<T>? _journal;            // none in span mode
    private volatile TaskCompletionSource _resumed = NewResumed();
    private int _isClosed;

    private LeasedArena(LeaseSession session, LeaseArena arena, LeasedArenaOptions<T> options)
    {
        _session = session;
        _arena = arena;
        _revoker = new SpanRevoker<T>(session, options.Arena.Revoked);
        T quantum = T.CreateChecked(arena.Definition.Quantum);
        (_quantumLess1, _isQuantumPowerOf2) = (quantum - T.One, T.IsPow2(quantum));
        var grid = new SpanGrid(arena.Definition, SpanSizeOf(options.SpanSize, arena.Definition));
        _stock = new SpanStock<T>(grid, options.Stock, options.Arena.Limit, _wake.Set, session.Call);
        Arena = new Arena<T>(arena.Name, quantum, options.Arena with
        {
            Source = _stock,
            SharesSource = false,
            RetainedImport = ArenaOptions<T>.RetainNone,
            Revoked = _revoker.Note,
        });
        _filler = new StockFiller<T>(session, arena, grid, _stock, _wake, this, _lostFences, _barrier, Forget);
        _roomWatch = session.Store.WatchRoom(arena.Id, _wake.Set);
        LeaseMetrics.Arenas.Add(this, out _metered);
        session.Attach(this);
    }

    /// <summary>Called for each range that the program still held when its lease went, on the pool, one after the other. Stop using
    /// it.</summary>
    public event Action<RangeLost<T>>? RangeLost;

    /// <summary>The arena of this process: an ordinary one, with statistics, dumps, audit and metrics. Allocate and free through this
    /// object, not through that one. It may be the source of other arenas, and of pools that have one.</summary>
    public Arena<T> Arena { get; }

    /// <summary>The arena's name in the store.</summary>
    public string Name => _arena.Name;

    /// <summary>The session that leases.</summary>
    public LeaseSession Session => _session;

    string IMetered.Name => _arena.Name;

    private bool IsClosed => Volatile.Read(ref _isClosed) != 0;

    private bool IsForgotten => _forgotten.IsCancellationRequested;

    /// <summary>Opens a shared arena, and leases the first spans.</summary>
    /// <param name="session">The session. It closes the arena when it is disposed of.</param>
    /// <param name="name">The arena's name in the store.</param>
    /// <param name="options">How this process uses it.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>The arena.</returns>
    /// <exception cref="LeaseDefinitionException">It does not exist and was not defined, is defined otherwise, or its quarantine is shorter
    /// than the session's TTL.</exception>
    /// <exception cref="ArgumentException">The options contradict each other, or name a journal, and the session has no name.</exception>
    /// <exception cref="LeaseJournalException">The journal cannot be read or written. What was inherited is kept.</exception>
    public static async Task<LeasedArena<T>> OpenAsync(LeaseSession session, string name, LeasedArenaOptions<T>? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentException.ThrowIfNullOrEmpty(name);
        options ??= new LeasedArenaOptions<T>();
        options.Check();
        if (options.JournalPath is not null && session.Options.Name is null)
        {
            throw new ArgumentException("A journal is of use only to the next session of the name: set LeaseSessionOptions.Name, or leave LeasedArenaOptions.JournalPath unset.", nameof(options));
        }

        session.ThrowIfInvalid();
        LeaseDefinition? definition = options.Definition?.ToStore(options.Definition.Quarantine ?? session.Options.Ttl);
        LeaseArena arena = await session.EnsureArenaAsync(name, definition, options.Definition?.Quarantine is not null, cancellationToken)
            .ConfigureAwait(false);
        if (arena.Definition.Type != typeof(T).Name)
        {
            throw new LeaseDefinitionException(
                $"Arena '{name}' is of {arena.Definition.Type}, and was opened as one of {typeof(T).Name}: open it as what it is.");
        }

        var leased = new LeasedArena<T>(session, arena, options);
        try
        {
            leased.Inherit();
            if (options.JournalPath is { } path)
            {
                await Task.Run(() => leased.BeginJournal(path, options.FlushToDisk), CancellationToken.None)
                    .ConfigureAwait(false);                    // a million ranges take a while
            }

            await leased._filler.StartAsync().ConfigureAwait(false);
            return leased;
        }
        catch
        {
            await leased.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>What the store has of the arena: who holds what.</summary>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>All extents, in order of address, at one moment.</returns>
    public async Task<IReadOnlyList<LeaseInfo<T>>> ListAsync(CancellationToken cancellationToken = default)
    {
        IReadOnlyList<LeaseExtent> extents = await _session.AskAsync((store, token) => store.ListAsync(_arena.Id, token), cancellationToken)
            .ConfigureAwait(false);
        return [.. extents.Select(extent => new LeaseInfo<T>(T.CreateChecked(extent.Start), T.CreateChecked(extent.Size), extent.State,
            extent.Session, extent.Owner, extent.Fence, extent.Since, extent.Watermark))];
    }

    /// <summary>Gives all spans back to the store. The program must not use any range of it any more.</summary>
    /// <returns>A task for the end. It does not fail.</returns>
    /// <remarks>Spans in which everything was freed as clean, or was not freed at all, can be leased by others at once. If the session has
    /// a name, spans in which something is allocated are kept for the next session of the name.</remarks>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) != 0)
        {
            return;
        }

        try
        {
            _session.Call(() => _roomWatch?.Dispose());        // a store's own: what it throws must not keep the spans
            _session.Detach(this);
            LeaseMetrics.Arenas.Remove(_metered);
            await _filler.DisposeAsync().ConfigureAwait(false);
            await EndJournalAsync().ConfigureAwait(false);
            await GiveBackAsync().ConfigureAwait(false);
        }
        finally
        {
            _resumed.TrySetResult();
        }
    }

    private async ValueTask GiveBackAsync()
    {
        HashSet<LeasedSpan<T>> kept = TakeKept();
        Arena.Dispose();                                       // its spans go to the stock
        foreach (LeasedSpan<T> span in kept)
        {
            _session.KeepLegacy(span.Holding);
        }

        foreach (LeasedSpan<T> span in _stock.TakeReturned(all: true).Except(kept))
        {
            await _session.ReturnAsync(span.Holding, !span.IsUnclean).ConfigureAwait(false);
        }
    }

    ValueTask ILeaseHolder.CloseAsync() => DisposeAsync();

    void ILeaseHolder.Resume()
    {
        TaskCompletionSource resumed = _resumed;
        _resumed = NewResumed();
        resumed.TrySetResult();
        _wake.Set();
    }

    bool IMetered.TryRead(int figure, out long value)
    {
        IReadOnlyList<LeasedSpan<T>> spans = _stock.InUse;
        value = (LeaseFigure)figure switch
        {
            LeaseFigure.Spans => spans.Count,
            LeaseFigure.Held => long.CreateSaturating(spans.Aggregate(T.Zero, (sum, span) => sum + span.Size)),
            LeaseFigure.Stock => _stock.Ready,
            _ => long.CreateSaturating(_filler.Usage?.Quarantined ?? 0),
        };
        return !IsClosed;
    }

    private void Forget()
    {
        _ = _forgotten.CancelAsync();                          // on the pool: whoever waited runs there
        _resumed.TrySetResult();
    }

    private void ThrowIfForgotten()
    {
        if (IsForgotten)
        {
            throw new LeaseLostException($"The store does not know arena '{Name}' of the number {_arena.Id} any more: a failover forgot it, or it was deleted. What was leased of it may be somebody else's. Dispose of this one, and open it again.");
        }
    }

    private static UInt128 SpanSizeOf(T asked, LeaseDefinition definition)
    {
        UInt128 size = T.IsZero(asked) ? DefaultSpanQuanta * definition.Quantum : UInt128.CreateChecked(asked);
        size += (definition.Quantum - size % definition.Quantum) % definition.Quantum;
        return UInt128.Min(size, definition.Size);
    }

    private static TaskCompletionSource NewResumed() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
