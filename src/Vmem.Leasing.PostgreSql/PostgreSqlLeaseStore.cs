using Npgsql;
using Vmem.Leasing.PostgreSql;

namespace Vmem.Leasing;

/// <summary>Leases in a PostgreSQL database, 13 or newer.</summary>
/// <remarks>
/// <para>
/// Each operation is one call of one function, so one transaction (R0), and at most one more that waits for the disk: it works behind a
/// pooler that gives each transaction another connection. The arena's row is the lock, so those who lease from one arena go one by one,
/// without conflicts or retries. An exclusion constraint proves that no value is leased or quarantined twice, whatever the functions get
/// wrong (R2).
/// </para>
/// <para>
/// Grants of one arena that are asked for while another is under way are one statement. So a process that leases much at once waits for the
/// disk as seldom as for one. Processes wait for each other in the server.
/// </para>
/// <para>
/// Where clients wait for each other, grants and releases do not keep that lock while they wait for the disk: they commit ahead, and a
/// second transaction in the same round trip waits. It changes nothing, and no answer is given before it has ended. Lists, the audit and
/// the history may show a grant before that. If the server crashes then, it never was, and its fence and its number in the audit are given
/// again.
/// </para>
/// <para>
/// Rejected: to let the constraint decide. Whoever inserts waits for those who inserted the same, and they for him: with eight clients it
/// deadlocks all the time. Rejected: <c>SKIP LOCKED</c>. Whoever skips the one free extent sees none, and reports a full arena. Rejected:
/// advisory locks of a session, which a pooler strands.
/// </para>
/// <para>
/// Values that a <c>bigint</c> does not hold are kept in quanta from the arena's start. So all of <see cref="UInt128"/> can be leased, IPv6
/// for one, as long as an arena has fewer than 2^63 quanta. A failover shows as another timeline, a restored dump as another system.
/// Notices are not used; whoever waits asks again (R9).
/// </para>
/// </remarks>
public sealed partial class PostgreSqlLeaseStore : LeaseStore
{
    private readonly NpgsqlDataSource _source;
    private readonly KeptConnection _connections;
    private readonly bool _migrates;
    private readonly TimeProvider _time;
    private volatile bool _isChecked;

    /// <summary>A store in a database.</summary>
    /// <param name="dataSource">The database. It is not disposed of. Give it no pool of one connection that others keep busy: renewals
    /// would wait.</param>
    /// <param name="migrates">True, unless set: at the first call the schema is made, or brought up to date, if the role may do that.
    /// False: it must be there (<see cref="LeaseSchema.GetScript"/>).</param>
    public PostgreSqlLeaseStore(NpgsqlDataSource dataSource, bool migrates = true)
        : this(dataSource, migrates, TimeProvider.System)
    {
    }

    /// <summary>With a clock for what this store waits for between calls. That of the leases is the server's.</summary>
    internal PostgreSqlLeaseStore(NpgsqlDataSource dataSource, bool migrates, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(dataSource);
        _source = dataSource;
        _connections = new KeptConnection(dataSource, time);
        _migrates = migrates;
        _time = time;
    }

    /// <inheritdoc/>
    public override async ValueTask<LeaseStoreInfo> GetInfoAsync(CancellationToken cancellationToken = default) =>
        (await OneAsync("SELECT * FROM vmem.get_info()", [], static row => new LeaseStoreInfo("PostgreSQL", row.GetInt32(0), row.GetInt32(1),
            row.GetFieldValue<DateTimeOffset>(2), OrNull<DateTimeOffset>(row, 3)), cancellationToken).ConfigureAwait(false))!;

    /// <inheritdoc/>
    public override async ValueTask<LeaseArena> EnsureArenaAsync(string name, LeaseDefinition? definition = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        UInt128 start = 0, unit = 1;
        if (definition is not null)
        {
            definition.Check();
            definition = definition with { Quarantine = ToMicroseconds(definition.Quarantine) };
            (start, unit) = KeptArena.LayOut(name, definition);
        }

        KeptArena arena = await OneAsync("SELECT * FROM vmem.define_arena($1, $2, $3, $4, $5, $6, $7, $8)",
            [
                Text(name), Wide(start), Wide(unit), Number((long?)((definition?.Start - start) / unit)),
                Number((long?)(definition?.Size / unit)), Number((long?)(definition?.Quantum / unit)), Text(definition?.Type),
                Span(definition?.Quarantine),
            ],
            ReadArena, cancellationToken).ConfigureAwait(false)
            ?? throw new LeaseDefinitionException($"There is no arena '{name}': open it with a definition, which makes it.");
        if (definition is not null)
        {
            arena.Arena.Definition.CheckAgreement(name, definition);
        }

        return arena.Arena;
    }

    /// <inheritdoc/>
    public override async ValueTask<int> OpenSessionAsync(Guid session, string owner, TimeSpan ttl, long latest,
        CancellationToken cancellationToken = default) =>
        await OneAsync("SELECT vmem.open_session($1, $2, $3, $4)", [Id(session), Text(owner), Span(ttl), Number(latest)],
            static row => row.GetInt32(0), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public override ValueTask<LeaseRenewal?> RenewAsync(Guid session, long latest, CancellationToken cancellationToken = default) =>
        OneAsync("SELECT * FROM vmem.renew_session($1, $2)", [Id(session), Number(latest)],
            static row => new LeaseRenewal(row.GetInt64(0), row.GetInt32(1), row.GetInt64(2)) { Digest = row.GetInt64(3) },
            cancellationToken);

    /// <inheritdoc/>
    public override async ValueTask CloseSessionAsync(Guid session, bool clean, CancellationToken cancellationToken = default) =>
        await OneAsync("SELECT vmem.close_session($1, $2)", [Id(session), Flag(clean)], static _ => true, cancellationToken)
            .ConfigureAwait(false);

    /// <inheritdoc/>
    public override async ValueTask<UInt128> SweepAsync(int arena, CancellationToken cancellationToken = default)
    {
        KeptArena known = await FindAsync(arena, cancellationToken).ConfigureAwait(false);
        return await OneAsync("SELECT vmem.sweep($1)", [Number32(arena)], row => known.Length(row.GetInt64(0)), cancellationToken)
            .ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask<LeaseUsage> GetUsageAsync(int arena, CancellationToken cancellationToken = default)
    {
        KeptArena known = await FindAsync(arena, cancellationToken).ConfigureAwait(false);
        return (await OneAsync("SELECT * FROM vmem.usage($1)", [Number32(arena)], row => new LeaseUsage(known.Length(row.GetInt64(0)),
            known.Length(row.GetInt64(1)), known.Length(row.GetInt64(2)), known.Length(row.GetInt64(3)), known.Length(row.GetInt64(4)),
            OrNull<DateTimeOffset>(row, 5), OrNull<DateTimeOffset>(row, 6)), cancellationToken).ConfigureAwait(false))!;
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<LeaseExtent>> ListAsync(int arena, CancellationToken cancellationToken = default)
    {
        KeptArena known = await FindAsync(arena, cancellationToken).ConfigureAwait(false);
        return await AllAsync("SELECT * FROM vmem.list($1)", [Number32(arena)], row => new LeaseExtent(known.Value(row.GetInt64(0)),
            known.Length(row.GetInt64(1)),
            row.GetChar(2) switch { 'F' => LeaseExtentState.Free, 'L' => LeaseExtentState.Leased, _ => LeaseExtentState.Quarantined },
            OrNull<Guid>(row, 3) ?? Guid.Empty, row.GetString(4), row.GetInt64(5), row.GetFieldValue<DateTimeOffset>(6),
            OrNull<long>(row, 7)), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<LeaseAuditEntry>> ReadAuditAsync(int arena, long after = 0, int limit = 1000,
        CancellationToken cancellationToken = default)
    {
        KeptArena known = await FindAsync(arena, cancellationToken).ConfigureAwait(false);
        return await AllAsync("SELECT * FROM vmem.read_audit($1, $2, $3)", [Number32(arena), Number(after), Number32(limit)],
            row => ReadEntry(row, known), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<LeaseAuditEntry>> ReadNewestAuditAsync(int arena, int limit = 1000,
        CancellationToken cancellationToken = default)
    {
        KeptArena known = await FindAsync(arena, cancellationToken).ConfigureAwait(false);
        return await AllAsync("SELECT * FROM vmem.read_newest_audit($1, $2)", [Number32(arena), Number32(limit)],
            row => ReadEntry(row, known), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<LeaseAuditEntry>> ReadHistoryAsync(int arena, UInt128 value, int limit = 1000,
        CancellationToken cancellationToken = default)
    {
        KeptArena known = await FindAsync(arena, cancellationToken).ConfigureAwait(false);
        return !known.TryKeep(value, out long kept)
            ? []
            : await AllAsync("SELECT * FROM vmem.read_history($1, $2, $3)", [Number32(arena), Number(kept), Number32(limit)],
                row => ReadEntry(row, known) with { Owner = row.GetString(9) }, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<string>> ValidateAsync(int arena, CancellationToken cancellationToken = default)
    {
        KeptArena known = await FindAsync(arena, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<(long? Start, string Fault)> rows = await AllAsync("SELECT * FROM vmem.find_faults($1)", [Number32(arena)],
            static row => (OrNull<long>(row, 0), row.GetString(1)), cancellationToken).ConfigureAwait(false);
        IEnumerable<string> faults = rows.Select(row =>
            row.Start is { } start ? $"the extent at {known.Value(start)}: {row.Fault}" : $"an extent without a place: {row.Fault}");

        // What lacks an end has no place, and cannot be listed.
        return rows.Any(static row => row.Start is null)
            ? [.. faults]
            :
            [
                .. faults,
                .. LeaseInvariants.Check(known.Arena, await ListAsync(arena, cancellationToken).ConfigureAwait(false),
                    await ReadAuditAsync(arena, 0, int.MaxValue, cancellationToken).ConfigureAwait(false)),
            ];
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseArena>> ListArenasAsync(CancellationToken cancellationToken = default) =>
        AllAsync("SELECT * FROM vmem.get_arenas()", [], static row => ReadArena(row).Arena, cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseSessionInfo>> ListSessionsAsync(CancellationToken cancellationToken = default) =>
        AllAsync("SELECT * FROM vmem.list_sessions()", [], static row => new LeaseSessionInfo(row.GetGuid(0), row.GetString(1),
            row.GetChar(2) switch { 'L' => LeaseSessionStage.Live, 'P' => LeaseSessionStage.Lapsed, _ => LeaseSessionStage.Dead },
            row.GetTimeSpan(3), row.GetFieldValue<DateTimeOffset>(4), row.GetInt64(5), row.GetInt64(6)), cancellationToken);

    /// <inheritdoc/>
    /// <remarks>Only the schema's owner may.</remarks>
    public override async ValueTask<long> PruneAsync(DateTimeOffset before, CancellationToken cancellationToken = default) =>
        await OneAsync("SELECT vmem._prune($1)", [Parameter(NpgsqlTypes.NpgsqlDbType.TimestampTz, before.ToUniversalTime())],
            static row => row.GetInt64(0), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    /// <remarks>Gives the connection back that the store keeps from call to call. A store that nobody disposes of does so a tenth of a
    /// second after its last call. The data source is the caller's.</remarks>
    public override async ValueTask DisposeAsync()
    {
        await _connections.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    private static LeaseAuditEntry ReadEntry(NpgsqlDataReader row, KeptArena arena)
    {
        int id = row.GetInt32(3);
        return new LeaseAuditEntry(row.GetInt64(0), row.GetFieldValue<DateTimeOffset>(1), (LeaseEvent)row.GetInt32(2), id,
            id == 0 ? 0 : arena.Value(row.GetInt64(4)), id == 0 ? 0 : arena.Length(row.GetInt64(5)), OrNull<Guid>(row, 6) ?? Guid.Empty,
            row.GetInt64(7), row.GetString(8));
    }

    // An interval has microseconds. Rounded up: a quarantine must not be shorter than was asked for.
    private static TimeSpan ToMicroseconds(TimeSpan time)
    {
        long beyond = time.Ticks % TimeSpan.TicksPerMicrosecond;
        return beyond == 0 ? time : new TimeSpan(time.Ticks - beyond + TimeSpan.TicksPerMicrosecond);
    }
}
