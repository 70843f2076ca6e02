using System.Globalization;
using System.Reflection;
using System.Text;
using Npgsql;

namespace Vmem.Leasing.PostgreSql;

/// <summary>The tables and functions in the database, as numbered scripts that are applied in order, each once.</summary>
/// <remarks>
/// A script that was released is never changed: functions are added, so that a program of an older version runs beside newer ones. A
/// version that cannot have that says which libraries may go on, in <c>vmem.schema_version.oldest</c>. A store looks at its first call, and
/// not again: programs that run must be stopped before such a version comes. All that is missing is applied in one transaction, under an
/// advisory lock that ends with it.
/// </remarks>
public static class LeaseSchema
{
    // "vmem" in ASCII: any number that others are unlikely to lock.
    private const long LockNumber = 0x766D656D;

    private static readonly (int Version, string Sql)[] s_scripts = [.. Read()];

    /// <summary>The version that this library needs, at least.</summary>
    public static int Version => s_scripts[^1].Version;

    /// <summary>What brings a database from a version to this library's: for those who may not change schemas from programs.</summary>
    /// <param name="from">The version that it has; 0: none.</param>
    /// <returns>SQL for <c>psql</c>: one transaction.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such version.</exception>
    public static string GetScript(int from = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(from, Version);
        StringBuilder script = new();
        script.Append("BEGIN;\n").Append(CultureInfo.InvariantCulture, $"SELECT pg_advisory_xact_lock({LockNumber});\n\n");
        foreach ((int version, string sql) in s_scripts.Where(script => script.Version > from))
        {
            script.Append(sql).Append(CultureInfo.InvariantCulture, $"INSERT INTO vmem.schema_version (version) VALUES ({version});\n\n");
        }

        return script.Append("COMMIT;\n").ToString();
    }

    /// <summary>The version that a database has.</summary>
    /// <param name="dataSource">The database, as any role that may lease.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>The version; 0: it has no schema.</returns>
    public static async Task<int> ReadVersionAsync(NpgsqlDataSource dataSource, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(dataSource);
        try
        {
            await using NpgsqlCommand command = dataSource.CreateCommand("SELECT version FROM vmem.get_info()");
            return (int)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
        }
        catch (PostgresException fault)
            when (fault.SqlState is PostgresErrorCodes.UndefinedFunction or PostgresErrorCodes.InvalidSchemaName)
        {
            return 0;
        }
    }

    /// <summary>The oldest library that may use a database, which is newer than this one.</summary>
    internal static async Task<int> ReadOldestAsync(NpgsqlDataSource dataSource, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = dataSource.CreateCommand("SELECT vmem.get_oldest()");
        return (int)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    /// <summary>Brings a database to this library's version. If it has that, or a newer one, nothing happens.</summary>
    /// <param name="dataSource">The database, as a role that may create a schema and the extension <c>btree_gist</c>. It will own the
    /// schema; no superuser is needed.</param>
    /// <param name="cancellationToken">Ends the call; then nothing has happened.</param>
    /// <returns>The version that it had.</returns>
    /// <exception cref="LeaseSchemaException">The role may not do that.</exception>
    /// <exception cref="PostgresException">Somebody kept the tables locked for 10 minutes. Nothing has happened.</exception>
    public static async Task<int> MigrateAsync(NpgsqlDataSource dataSource, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(dataSource);
        try
        {
            await using NpgsqlConnection connection = await dataSource.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            await RunAsync($"SELECT pg_advisory_xact_lock({LockNumber})").ConfigureAwait(false);
            int had = (int)(await RunAsync("SELECT to_regclass('vmem.schema_version') IS NOT NULL").ConfigureAwait(false) is true
                ? (await RunAsync("SELECT coalesce(max(version), 0) FROM vmem.schema_version").ConfigureAwait(false))! : 0);
            foreach ((int version, string sql) in s_scripts.Where(script => script.Version > had))
            {
                await RunAsync(sql).ConfigureAwait(false);
                await RunAsync($"INSERT INTO vmem.schema_version (version) VALUES ({version})").ConfigureAwait(false);
            }

            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
            return had;

            async Task<object?> RunAsync(string sql)
            {
                // An index over a long audit takes longer than a command has time. The token alone ends it.
                await using var command = new NpgsqlCommand(sql, connection, transaction) { CommandTimeout = 0 };
                return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        catch (PostgresException fault)
            when (fault.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.UndefinedFile)
        {
            throw new LeaseSchemaException(
                $"The schema vmem could not be brought to version {Version}: {fault.MessageText}. Run LeaseSchema.GetScript() as a role that may create schemas and the extension btree_gist, which is in the package postgresql-contrib.",
                fault);
        }
    }

    /// <summary>Lets a role use the store's functions, and nothing else: no table, no internal function.</summary>
    /// <param name="dataSource">The database, as the schema's owner.</param>
    /// <param name="role">The role that programs connect as.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>A task for the call.</returns>
    public static async Task AdmitAsync(NpgsqlDataSource dataSource, string role, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(dataSource);
        ArgumentException.ThrowIfNullOrEmpty(role);
        await using NpgsqlCommand command = dataSource.CreateCommand("SELECT vmem._admit($1)");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = role });
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private static IEnumerable<(int Version, string Sql)> Read()
    {
        Assembly assembly = typeof(LeaseSchema).Assembly;
        IEnumerable<string> names = assembly.GetManifestResourceNames().Where(name => name.EndsWith(".sql", StringComparison.Ordinal));
        foreach (string name in names.Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            yield return (int.Parse(name.AsSpan(0, 4), CultureInfo.InvariantCulture), reader.ReadToEnd());
        }
    }
}
