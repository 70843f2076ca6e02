using Npgsql;
using Vmem.Leasing.PostgreSql;

namespace Vmem.Leasing;

/// <summary>Leases in a PostgreSQL database, 13 or newer.</summary>
/// <remarks>
/// <para>
/// Each operation is one call of one function, so one transaction (R0): it works behind a pooler that gives each statement another
/// connection. The arena's row is the lock, so those who lease from one arena go one by one, without conflicts or retries. An exclusion
/// constraint proves that no two extents overlap, whatever the functions get wrong (R2).
/// </para>
/// <para>
/// Rejected: to let the constraint decide. Whoever inserts waits for those who inserted the same, and they for him: with eight clients it
/// deadlocks all the time. Rejected: <c>SKIP LOCKED</c>. Whoever skips the one free extent sees none, and reports a full arena. Rejected:
/// advisory locks of a session, which a pooler strands.
/// </para>
/// <para>
/// Values are those of a <c>bigint</c>, up to 2^63 - 2: more than the types up to <see cref="uint"/> have, and the lower half of
/// <see cref="ulong"/>. A failover shows as another timeline, a restored dump as another system. Notices are not used; whoever waits asks
/// again (R9).
/// </para>
/// </remarks>
public sealed partial class PostgreSqlLeaseStore : LeaseStore
{
    private readonly NpgsqlDataSource _source;
    private readonly bool _migrates;
    private volatile bool _isChecked;

    /// <summary>A store in a database.</summary>
    /// <param name="dataSource">The database. It is not disposed of. Give it no pool of one connection that others keep busy: renewals
    /// would wait.</param>
    /// <param name="migrates">True, unless set: at the first call the schema is made, or brought up to date, if the role may do that.
    /// False: it must be there (<see cref="LeaseSchema.GetScript"/>).</param>
    public PostgreSqlLeaseStore(NpgsqlDataSource dataSource, bool migrates = true)
    {
        ArgumentNullException.ThrowIfNull(dataSource);
        _source = dataSource;
        _migrates = migrates;
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
        if (definition is not null)
        {
            definition.Check();
            definition = definition with { Quarantine = ToMicroseconds(definition.Quarantine) };
            if (definition.Start + definition.Size > long.MaxValue)
            {
                throw new LeaseDefinitionException(
                    $"PostgreSQL keeps leases of values below {long.MaxValue}, and arena '{name}' is to be {definition}: use a lower part of the type.");
            }
        }

        LeaseArena arena = await OneAsync("SELECT * FROM vmem.ensure_arena($1, $2, $3, $4, $5, $6)",
            [
                Text(name), Number(definition?.Start), Number(definition?.Size), Number(definition?.Quantum), Text(definition?.Type),
                Span(definition?.Quarantine),
            ],
            row => new LeaseArena(row.GetInt32(0), name, ReadDefinition(row)), cancellationToken).ConfigureAwait(false)
            ?? throw new LeaseDefinitionException($"There is no arena '{name}': open it with a definition, which makes it.");
        if (definition is not null)
        {
            arena.Definition.CheckAgreement(name, definition);
        }

        return arena;
    }

    /// <inheritdoc/>
    public override async ValueTask<int> OpenSessionAsync(Guid session, string owner, TimeSpan ttl, long latest,
        CancellationToken cancellationToken = default) =>
        await OneAsync("SELECT vmem.open_session($1, $2, $3, $4)", [Id(session), Text(owner), Span(ttl), Number(latest)],
            static row => row.GetInt32(0), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public override ValueTask<LeaseRenewal?> RenewAsync(Guid session, long latest, CancellationToken cancellationToken = default) =>
        OneAsync("SELECT * FROM vmem.renew($1, $2)", [Id(session), Number(latest)],
            static row => new LeaseRenewal(row.GetInt64(0), row.GetInt32(1), row.GetInt64(2)), cancellationToken);

    /// <inheritdoc/>
    public override async ValueTask CloseSessionAsync(Guid session, bool clean, CancellationToken cancellationToken = default) =>
        await OneAsync("SELECT vmem.close_session($1, $2)", [Id(session), Flag(clean)], static _ => true, cancellationToken)
            .ConfigureAwait(false);

    /// <inheritdoc/>
    public override async ValueTask<LeaseAnswer> GrantAsync(LeaseRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Check(await FindAsync(request.Arena, cancellationToken).ConfigureAwait(false));
        return await OneAsync("SELECT * FROM vmem.grant_lease($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            [
                Number32(request.Arena), Id(request.Session), Id(request.Id), Number(request.Size), Number(request.MinSize),
                Number(Capped(request.Align)), Number(Capped(request.Phase)), Number(Capped(request.Min)), Number(Capped(request.Max)),
            ],
            row =>
            {
                var verdict = (LeaseVerdict)row.GetInt32(0);
                return verdict != LeaseVerdict.Granted
                    ? new LeaseAnswer(verdict)
                    : new LeaseAnswer(verdict, new LeaseClaim(request.Arena, request.Session, (UInt128)row.GetInt64(1),
                        (UInt128)row.GetInt64(2), row.GetInt64(3), request.Id), OrNull<long>(row, 4));
            }, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask<bool> ReleaseAsync(LeaseClaim claim, bool clean, long? watermark = null,
        CancellationToken cancellationToken = default) =>
        await OneAsync("SELECT vmem.release_lease($1, $2, $3, $4, $5, $6, $7)", [.. Named(claim), Flag(clean), Number(watermark)],
            static row => row.GetBoolean(0), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseClaim>> GetHeldAsync(Guid session, CancellationToken cancellationToken = default) =>
        AllAsync("SELECT * FROM vmem.held($1)", [Id(session)], row => new LeaseClaim(row.GetInt32(0), session, (UInt128)row.GetInt64(1),
            (UInt128)row.GetInt64(2), row.GetInt64(3), row.GetGuid(4)), cancellationToken);

    /// <inheritdoc/>
    public override async ValueTask<LeaseReassertion> ReassertAsync(LeaseClaim claim, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(claim);
        return await OneAsync("SELECT vmem.reassert($1, $2, $3, $4, $5, $6)", [.. Named(claim), Id(claim.Request)],
            static row => (LeaseReassertion)row.GetInt32(0), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask<bool> MarkAsync(LeaseClaim claim, long watermark, CancellationToken cancellationToken = default) =>
        await OneAsync("SELECT vmem.mark($1, $2, $3, $4, $5, $6)", [.. Named(claim), Number(watermark)], static row => row.GetBoolean(0),
            cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public override async ValueTask<UInt128> SweepAsync(int arena, CancellationToken cancellationToken = default) =>
        await OneAsync("SELECT vmem.sweep($1)", [Number32(arena)], static row => (UInt128)row.GetInt64(0), cancellationToken)
            .ConfigureAwait(false);

    /// <inheritdoc/>
    public override async ValueTask<LeaseUsage> GetUsageAsync(int arena, CancellationToken cancellationToken = default) =>
        (await OneAsync("SELECT * FROM vmem.usage($1)", [Number32(arena)], static row => new LeaseUsage((UInt128)row.GetInt64(0),
            (UInt128)row.GetInt64(1), (UInt128)row.GetInt64(2), (UInt128)row.GetInt64(3), (UInt128)row.GetInt64(4),
            OrNull<DateTimeOffset>(row, 5), OrNull<DateTimeOffset>(row, 6)), cancellationToken).ConfigureAwait(false))!;

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseExtent>> ListAsync(int arena, CancellationToken cancellationToken = default) =>
        AllAsync("SELECT * FROM vmem.list($1)", [Number32(arena)], static row => new LeaseExtent((UInt128)row.GetInt64(0),
            (UInt128)row.GetInt64(1),
            row.GetChar(2) switch { 'F' => LeaseExtentState.Free, 'L' => LeaseExtentState.Leased, _ => LeaseExtentState.Quarantined },
            OrNull<Guid>(row, 3) ?? Guid.Empty, row.GetString(4), row.GetInt64(5), row.GetFieldValue<DateTimeOffset>(6),
            OrNull<long>(row, 7)), cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseAuditEntry>> ReadAuditAsync(int arena, long after = 0, int limit = 1000,
        CancellationToken cancellationToken = default) =>
        AllAsync("SELECT * FROM vmem.read_audit($1, $2, $3)", [Number32(arena), Number(after), Number32(limit)], ReadEntry,
            cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseAuditEntry>> ReadNewestAuditAsync(int arena, int limit = 1000,
        CancellationToken cancellationToken = default) =>
        AllAsync("SELECT * FROM vmem.read_newest_audit($1, $2)", [Number32(arena), Number32(limit)], ReadEntry, cancellationToken);

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<string>> ValidateAsync(int arena, CancellationToken cancellationToken = default)
    {
        LeaseArena known = await FindAsync(arena, cancellationToken).ConfigureAwait(false);
        return LeaseInvariants.Check(known, await ListAsync(arena, cancellationToken).ConfigureAwait(false),
            await ReadAuditAsync(arena, 0, int.MaxValue, cancellationToken).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseArena>> ListArenasAsync(CancellationToken cancellationToken = default) =>
        AllAsync("SELECT name, start, size, quantum, type, quarantine, id FROM vmem.list_arenas()", [],
            static row => new LeaseArena(row.GetInt32(6), row.GetString(0), ReadDefinition(row)), cancellationToken);

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

    private static LeaseAuditEntry ReadEntry(NpgsqlDataReader row) => new(row.GetInt64(0), row.GetFieldValue<DateTimeOffset>(1),
        (LeaseEvent)row.GetInt32(2), row.GetInt32(3), (UInt128)row.GetInt64(4), (UInt128)row.GetInt64(5),
        OrNull<Guid>(row, 6) ?? Guid.Empty, row.GetInt64(7), row.GetString(8));

    private static UInt128 Capped(UInt128 value) => UInt128.Min(value, long.MaxValue);

    // An interval has microseconds. Rounded up: a quarantine must not be shorter than was asked for.
    private static TimeSpan ToMicroseconds(TimeSpan time)
    {
        long beyond = time.Ticks % TimeSpan.TicksPerMicrosecond;
        return beyond == 0 ? time : new TimeSpan(time.Ticks - beyond + TimeSpan.TicksPerMicrosecond);
    }
}
