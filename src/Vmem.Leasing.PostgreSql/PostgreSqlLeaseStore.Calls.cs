using System.Collections.Concurrent;
using System.Numerics;
using System.Transactions;
using Npgsql;
using NpgsqlTypes;
using Vmem.Leasing.PostgreSql;

namespace Vmem.Leasing;

// How a function is called, and what its errors mean.
public sealed partial class PostgreSqlLeaseStore
{
    private const string BadDefinition = "VM001";
    private const string BadSession = "VM002";

    private readonly Lock _migratingLock = new();
    private Task? _migrating;

    // What an arena is never changes, so a grant is checked here, and its call is the only one.
    private readonly ConcurrentDictionary<int, KeptArena> _arenas = new();

    /// <summary>The first row; null or zero if there is none.</summary>
    private async ValueTask<TResult?> OneAsync<TResult>(string sql, NpgsqlParameter[] parameters, Func<NpgsqlDataReader, TResult> read,
        CancellationToken cancellationToken)
    {
        IReadOnlyList<TResult> rows = await AllAsync(sql, parameters, read, cancellationToken).ConfigureAwait(false);
        return rows.Count > 0 ? rows[0] : default;
    }

    private ValueTask<IReadOnlyList<TResult>> AllAsync<TResult>(string sql, NpgsqlParameter[] parameters,
        Func<NpgsqlDataReader, TResult> read, CancellationToken cancellationToken) =>
        CallAsync(sql, parameters, read, flushes: false, cancellationToken);

    /// <summary>All rows of a call that locks an arena, once what it did is on the disk.</summary>
    private ValueTask<IReadOnlyList<TResult>> AllAsync<TResult>(LockingCall call, KeptArena arena, NpgsqlParameter[] parameters,
        Func<NpgsqlDataReader, TResult> read, CancellationToken cancellationToken) =>
        arena.Traffic.IsHeavy
            ? AllOnDiskAsync(call.Ahead, parameters, read, cancellationToken)
            : AllAsync(call.Waiting, parameters, read, cancellationToken);

    /// <summary>All rows of a call, once what it did and what it saw is on the disk: two transactions in one round trip.</summary>
    private ValueTask<IReadOnlyList<TResult>> AllOnDiskAsync<TResult>(string sql, NpgsqlParameter[] parameters,
        Func<NpgsqlDataReader, TResult> read, CancellationToken cancellationToken) =>
        CallAsync(sql, parameters, read, flushes: true, cancellationToken);

    /// <summary>Every call passes here. None is part of a transaction of the caller's: its rollback would undo the lease, and give it to
    /// another under the same fence.</summary>
    private ValueTask<IReadOnlyList<TResult>> CallAsync<TResult>(string sql, NpgsqlParameter[] parameters,
        Func<NpgsqlDataReader, TResult> read, bool flushes, CancellationToken cancellationToken) =>
        IsInTransaction()
            ? CallApartAsync(sql, parameters, read, flushes, cancellationToken)
            : SendAsync(sql, parameters, read, flushes, cancellationToken);

    private static bool IsInTransaction()
    {
        try
        {
            return Transaction.Current is not null;
        }
        catch (InvalidOperationException)
        {
            return true;                                   // its scope is complete, and not disposed of
        }
    }

    /// <summary>On a thread of the pool: a scope that does not flow belongs to the caller's thread, and one within it must not end on
    /// another.</summary>
    private ValueTask<IReadOnlyList<TResult>> CallApartAsync<TResult>(string sql, NpgsqlParameter[] parameters,
        Func<NpgsqlDataReader, TResult> read, bool flushes, CancellationToken cancellationToken) =>
        new(Task.Run(async () =>
        {
            using TransactionScope apart = new(TransactionScopeOption.Suppress, TransactionScopeAsyncFlowOption.Enabled);
            return await SendAsync(sql, parameters, read, flushes, cancellationToken).ConfigureAwait(false);
        }, CancellationToken.None));

    private async ValueTask<IReadOnlyList<TResult>> SendAsync<TResult>(string sql, NpgsqlParameter[] parameters,
        Func<NpgsqlDataReader, TResult> read, bool flushes, CancellationToken cancellationToken)
    {
        await CheckSchemaAsync(cancellationToken).ConfigureAwait(false);
        await using KeptConnection.Rented rented = await _connections.RentAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            IReadOnlyList<TResult> rows = flushes
                ? await SendAndFlushAsync(rented.Connection, sql, parameters, read, cancellationToken).ConfigureAwait(false)
                : await SendAloneAsync(rented.Connection, sql, parameters, read, cancellationToken).ConfigureAwait(false);
            rented.IsGood = true;
            return rows;
        }
        catch (PostgresException fault) when (Translated(fault) is { } known)
        {
            throw known;
        }
    }

    private static async ValueTask<IReadOnlyList<TResult>> SendAloneAsync<TResult>(NpgsqlConnection connection, string sql,
        NpgsqlParameter[] parameters, Func<NpgsqlDataReader, TResult> read, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = new(sql, connection);
        command.Parameters.AddRange(parameters);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        return await ReadToEndAsync(reader, read, cancellationToken).ConfigureAwait(false);
    }

    private static async ValueTask<IReadOnlyList<TResult>> SendAndFlushAsync<TResult>(NpgsqlConnection connection, string sql,
        NpgsqlParameter[] parameters, Func<NpgsqlDataReader, TResult> read, CancellationToken cancellationToken)
    {
        await using NpgsqlBatch batch = new(connection);
        batch.EnableErrorBarriers = true;                  // each command is a transaction
        NpgsqlBatchCommand command = new(sql);
        command.Parameters.AddRange(parameters);
        batch.BatchCommands.Add(command);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(LockingCall.Flush));
        await using NpgsqlDataReader reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        return await ReadToEndAsync(reader, read, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The rows of the first result, once the server has said that all is committed. To dispose of the reader would not do: it
    /// waits for that, too, but keeps a time-out to itself.</summary>
    private static async ValueTask<IReadOnlyList<TResult>> ReadToEndAsync<TResult>(NpgsqlDataReader reader,
        Func<NpgsqlDataReader, TResult> read, CancellationToken cancellationToken)
    {
        List<TResult> rows = [];
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            rows.Add(read(reader));
        }

        while (await reader.NextResultAsync(cancellationToken).ConfigureAwait(false))
        {
        }

        return rows;
    }

    private static LeaseException? Translated(PostgresException fault) => fault.SqlState switch
    {
        BadDefinition => new LeaseDefinitionException(fault.MessageText),
        BadSession => new LeaseSessionException(fault.MessageText),
        PostgresErrorCodes.InsufficientPrivilege => new LeaseSchemaException(
            $"The database role may not use the lease functions: {fault.MessageText}. Run LeaseSchema.AdmitAsync for it as the schema's owner.", fault),
        PostgresErrorCodes.UndefinedFunction or PostgresErrorCodes.InvalidSchemaName => new LeaseSchemaException(
            $"The database lacks what this version needs: {fault.MessageText}. Run LeaseSchema.MigrateAsync, or its script.", fault),
        _ => null,
    };

    /// <summary>Once, before the first call: the schema is there and new enough, or is made so.</summary>
    private async ValueTask CheckSchemaAsync(CancellationToken cancellationToken)
    {
        if (_isChecked)
        {
            return;
        }

        int version, oldest;
        try
        {
            version = await LeaseSchema.ReadVersionAsync(_source, cancellationToken).ConfigureAwait(false);
            oldest = version <= LeaseSchema.Version ? 0
                : await LeaseSchema.ReadOldestAsync(_source, cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresException fault) when (Translated(fault) is { } known)
        {
            throw known;
        }

        if (oldest > LeaseSchema.Version)
        {
            throw new LeaseSchemaException(
                $"The schema vmem has version {version}, which no library before {oldest} may use, and this one is {LeaseSchema.Version}: update the program.");
        }

        if (version < LeaseSchema.Version && _migrates)
        {
            await MigrateAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        else if (version < LeaseSchema.Version)
        {
            throw new LeaseSchemaException(version == 0
                ? "The database has no schema vmem: run LeaseSchema.MigrateAsync, or the script of LeaseSchema.GetScript(), once."
                : $"The schema vmem has version {version}, and this library needs {LeaseSchema.Version}: run LeaseSchema.MigrateAsync, or the script of LeaseSchema.GetScript({version}).");
        }

        _isChecked = true;
    }

    /// <summary>The migration that is under way, or a new one. All calls wait for the same, and none of them ends it: it may take longer
    /// than a call has time, and would begin anew each time.</summary>
    private Task MigrateAsync()
    {
        using (_migratingLock.EnterScope())
        {
            if (_migrating is null or { IsCompleted: true })
            {
                _migrating = Task.Run(MigrateInTimeAsync);
                _ = _migrating.ContinueWith(static task => _ = task.Exception, CancellationToken.None,
                    TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }

            return _migrating;
        }
    }

    /// <summary>An hour is arbitrary, and long for an index over an audit. Without an end, a connection that is lost without a word would
    /// keep all later calls waiting.</summary>
    private async Task MigrateInTimeAsync()
    {
        using CancellationTokenSource patience = new(TimeSpan.FromHours(1));
        await LeaseSchema.MigrateAsync(_source, patience.Token).ConfigureAwait(false);
    }

    private async ValueTask<KeptArena> FindAsync(int id, CancellationToken cancellationToken)
    {
        if (_arenas.TryGetValue(id, out KeptArena? known))
        {
            return known;
        }

        KeptArena arena = await OneAsync("SELECT * FROM vmem.get_arenas() WHERE id = $1", [Number32(id)], ReadArena, cancellationToken)
            .ConfigureAwait(false)
            ?? throw new LeaseDefinitionException($"There is no arena of the number {id}.");
        return _arenas.GetOrAdd(id, arena);
    }

    private static KeptArena ReadArena(NpgsqlDataReader row)
    {
        var start = (UInt128)row.GetFieldValue<BigInteger>(2);
        var unit = (UInt128)row.GetFieldValue<BigInteger>(3);
        LeaseDefinition definition = new()
        {
            Start = start + (UInt128)row.GetInt64(4) * unit,
            Size = (UInt128)row.GetInt64(5) * unit,
            Quantum = (UInt128)row.GetInt64(6) * unit,
            Type = row.GetString(7),
            Quarantine = row.GetTimeSpan(8),
        };
        return new KeptArena(new LeaseArena(row.GetInt32(0), row.GetString(1), definition), start, unit);
    }

    /// <summary>A lease as its function wants it named.</summary>
    private async ValueTask<NpgsqlParameter[]> NameAsync(LeaseClaim claim, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(claim);
        KeptArena arena = await FindAsync(claim.Arena, cancellationToken).ConfigureAwait(false);
        (long start, long size) = arena.Keep(claim.Start, claim.Size);
        return [Number32(claim.Arena), Id(claim.Session), Number(start), Number(size), Number(claim.Fence)];
    }

    private static TResult? OrNull<TResult>(NpgsqlDataReader row, int column)
        where TResult : struct => row.IsDBNull(column) ? null : row.GetFieldValue<TResult>(column);

    private static NpgsqlParameter Text(string? value) => Parameter(NpgsqlDbType.Text, value);

    private static NpgsqlParameter Id(Guid value) => Parameter(NpgsqlDbType.Uuid, value);

    private static NpgsqlParameter Flag(bool value) => Parameter(NpgsqlDbType.Boolean, value);

    private static NpgsqlParameter Number32(int value) => Parameter(NpgsqlDbType.Integer, value);

    private static NpgsqlParameter Number(long? value) => Parameter(NpgsqlDbType.Bigint, value);

    private static NpgsqlParameter Wide(UInt128? value) => Parameter(NpgsqlDbType.Numeric, value is { } known ? (BigInteger)known : null);

    private static NpgsqlParameter Ids(IEnumerable<Guid> values) => Parameter(NpgsqlDbType.Array | NpgsqlDbType.Uuid, values.ToArray());

    private static NpgsqlParameter Numbers(IEnumerable<long> values) =>
        Parameter(NpgsqlDbType.Array | NpgsqlDbType.Bigint, values.ToArray());

    // In microseconds: a day of an interval has not always 24 hours.
    private static NpgsqlParameter Span(TimeSpan? value) => Parameter(NpgsqlDbType.Interval,
        value is { } known ? new NpgsqlInterval(0, 0, known.Ticks / TimeSpan.TicksPerMicrosecond) : null);

    private static NpgsqlParameter Parameter(NpgsqlDbType type, object? value) =>
        new() { NpgsqlDbType = type, Value = value ?? DBNull.Value };
}
