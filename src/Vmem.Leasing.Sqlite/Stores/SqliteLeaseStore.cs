using System.Diagnostics;
using Vmem.Leasing.Sqlite;
using Vmem.Leasing.Sqlite.Commits;
using Vmem.Leasing.Sqlite.Machine;

namespace Vmem.Leasing;

/// <summary>Leases of the processes of one machine, in a SQLite file.</summary>
/// <remarks>
/// <para>
/// Several processes open the same file, each with a store of its own. One writes at a time; within a process, all calls that wait are one
/// transaction and one flush of the disk. Triggers prove that no two extents overlap, whatever the code gets wrong (R2).
/// </para>
/// <para>
/// A process that dies is known to be dead: it held the lock of a file beside this one. What it leased is free at the next sweep, without
/// TTL and quarantine. A process that lives and is silent lapses by time, as in every store.
/// </para>
/// <para>
/// If an older copy of the file is put back, its audit ends before the number that is kept beside it. That is the failover of this store
/// (R4). Put it back with SQLite's own means, or while nobody has it open. The file must not lie on a network drive.
/// </para>
/// </remarks>
[DebuggerDisplay("{Path,nq}")]
public sealed class SqliteLeaseStore : LeaseStore
{
    private readonly GroupCommit _commits;
    private readonly RoomWatchers _watchers = new();

    /// <summary>A store in a file. Nothing is opened before the first call.</summary>
    /// <param name="path">The file. A folder of its name with <c>-leases</c> lies beside it.</param>
    /// <param name="options">How it is used.</param>
    /// <exception cref="ArgumentException">The path is empty, or the options make no sense.</exception>
    public SqliteLeaseStore(string path, SqliteLeaseStoreOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new SqliteLeaseStoreOptions();
        options.Check();
        Path = System.IO.Path.GetFullPath(path);
        _commits = new GroupCommit(new LeaseFile(Path, options));
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>How many transactions there were.</summary>
    internal long Commits => _commits.Groups;

    /// <inheritdoc/>
    public override ValueTask<LeaseStoreInfo> GetInfoAsync(CancellationToken cancellationToken = default) =>
        AskAsync(static machine => machine.Info(LeaseSchema.Version), cancellationToken, writes: false);

    /// <inheritdoc/>
    public override ValueTask<LeaseArena> EnsureArenaAsync(string name, LeaseDefinition? definition = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return AskAsync(machine => machine.Ensure(name, definition), cancellationToken, writes: definition is not null);
    }

    /// <inheritdoc/>
    public override ValueTask<int> OpenSessionAsync(Guid session, string owner, TimeSpan ttl, long latest,
        CancellationToken cancellationToken = default) =>
        AskAsync(machine => machine.Open(session, owner, ttl, latest), cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<LeaseRenewal?> RenewAsync(Guid session, long latest, CancellationToken cancellationToken = default) =>
        AskAsync(machine => machine.Renew(session, latest), cancellationToken);

    /// <inheritdoc/>
    public override async ValueTask CloseSessionAsync(Guid session, bool clean, CancellationToken cancellationToken = default)
    {
        await AskAsync(machine =>
        {
            machine.Close(session, clean);
            return true;
        }, cancellationToken).ConfigureAwait(false);
        _watchers.Tell(arena: null);
    }

    /// <inheritdoc/>
    public override ValueTask<LeaseAnswer> GrantAsync(LeaseRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return AskAsync(machine => machine.Grant(request), cancellationToken);
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseAnswer>> GrantManyAsync(IReadOnlyList<LeaseRequest> requests,
        CancellationToken cancellationToken = default)
    {
        CheckSame(requests);
        return AskAsync<IReadOnlyList<LeaseAnswer>>(machine => [.. requests.Select(machine.Grant)], cancellationToken);
    }

    /// <inheritdoc/>
    public override async ValueTask<bool> ReleaseAsync(LeaseClaim claim, bool clean, long? watermark = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(claim);
        bool wasHeld = await AskAsync(machine => machine.Release(claim, clean, watermark), cancellationToken).ConfigureAwait(false);
        if (wasHeld && clean)
        {
            _watchers.Tell(claim.Arena);
        }

        return wasHeld;
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseClaim>> GetHeldAsync(Guid session, CancellationToken cancellationToken = default) =>
        AskAsync(machine => machine.HeldBy(session), cancellationToken, writes: false);

    /// <inheritdoc/>
    public override ValueTask<LeaseReassertion> ReassertAsync(LeaseClaim claim, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(claim);
        return AskAsync(machine => machine.Reassert(claim), cancellationToken);
    }

    /// <inheritdoc/>
    public override ValueTask<bool> MarkAsync(LeaseClaim claim, long watermark, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(claim);
        return AskAsync(machine => machine.Mark(claim, watermark), cancellationToken);
    }

    /// <inheritdoc/>
    public override async ValueTask<UInt128> SweepAsync(int arena, CancellationToken cancellationToken = default)
    {
        UInt128 freed = await AskAsync(machine => machine.Sweep(arena), cancellationToken).ConfigureAwait(false);
        if (freed > 0)
        {
            _watchers.Tell(arena);
        }

        return freed;
    }

    /// <inheritdoc/>
    public override ValueTask<LeaseUsage> GetUsageAsync(int arena, CancellationToken cancellationToken = default) =>
        AskAsync(machine => machine.UsageOf(arena), cancellationToken, writes: false);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseExtent>> ListAsync(int arena, CancellationToken cancellationToken = default) =>
        AskAsync(machine => machine.List(arena), cancellationToken, writes: false);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseAuditEntry>> ReadAuditAsync(int arena, long after = 0, int limit = 1000,
        CancellationToken cancellationToken = default) =>
        AskAsync(machine => machine.AuditOf(arena, after, limit), cancellationToken, writes: false);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseAuditEntry>> ReadNewestAuditAsync(int arena, int limit = 1000,
        CancellationToken cancellationToken = default) =>
        AskAsync(machine => machine.NewestAuditOf(arena, limit), cancellationToken, writes: false);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseAuditEntry>> ReadHistoryAsync(int arena, UInt128 value, int limit = 1000,
        CancellationToken cancellationToken = default) =>
        AskAsync(machine => machine.HistoryOf(arena, value, limit), cancellationToken, writes: false);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<string>> ValidateAsync(int arena, CancellationToken cancellationToken = default) =>
        AskAsync(machine => machine.Validate(arena), cancellationToken, writes: false);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseArena>> ListArenasAsync(CancellationToken cancellationToken = default) =>
        AskAsync(static machine => machine.ListArenas(), cancellationToken, writes: false);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseSessionInfo>> ListSessionsAsync(CancellationToken cancellationToken = default) =>
        AskAsync(static machine => machine.ListSessions(), cancellationToken, writes: false);

    /// <inheritdoc/>
    public override ValueTask<long> PruneAsync(DateTimeOffset before, CancellationToken cancellationToken = default) =>
        AskAsync(machine => machine.Prune(before.UtcTicks), cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseClaim>> InheritAsync(Guid session, string name,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return AskAsync(machine => machine.Inherit(session, name), cancellationToken);
    }

    /// <summary>Calls when room may have come by a call of this process. Of others' calls it does not know.</summary>
    /// <param name="arena">The arena.</param>
    /// <param name="mayHaveRoom">Called under no lock, on any thread.</param>
    /// <returns>Ends the calls when it is disposed of.</returns>
    public override IDisposable WatchRoom(int arena, Action mayHaveRoom)
    {
        ArgumentNullException.ThrowIfNull(mayHaveRoom);
        return _watchers.Add(arena, mayHaveRoom);
    }

    /// <summary>Closes the file. Sessions that were opened here and live on are left to the time: that this process dies is not noticed any
    /// more.</summary>
    /// <returns>A task for the end.</returns>
    public override async ValueTask DisposeAsync()
    {
        await _commits.EndAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    private ValueTask<TResult> AskAsync<TResult>(Func<LeaseMachine, TResult> ask, CancellationToken cancellationToken, bool writes = true)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<TResult>(cancellationToken);
        }

        return new ValueTask<TResult>(_commits.RunAsync(new Operation<TResult>(ask, writes, cancellationToken)));
    }
}
