using System.Diagnostics;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Vmem.Leasing.Sqlite.Sql;

/// <summary>One connection to the file, used by one thread at a time, with its prepared statements.</summary>
internal sealed class Database : IDisposable
{
    private readonly SqliteConnection _connection;

    // By reference: every text is a literal.
    private readonly Dictionary<string, Statement> _statements = new(ReferenceEqualityComparer.Instance);

    /// <summary>Opens the file, or makes it.</summary>
    /// <exception cref="IOException">It cannot be opened. The text says why.</exception>
    public Database(string path, SqliteLeaseStoreOptions options)
    {
        Path = path;
        SqliteConnectionStringBuilder settings = new()
        {
            DataSource = path,
            Pooling = false,
            Mode = options.IsReadOnly ? SqliteOpenMode.ReadOnly : SqliteOpenMode.ReadWriteCreate,
        };
        _connection = new SqliteConnection(settings.ConnectionString);
        try
        {
            _connection.Open();
            _ = raw.sqlite3_busy_timeout(Handle, (int)options.BusyTimeout.TotalMilliseconds);
            Run("PRAGMA trusted_schema = OFF");
            if (!options.IsReadOnly)
            {
                Run("PRAGMA journal_mode = WAL");
                Run(options.SurvivesPowerLoss ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
            }

            if (options.MaxPages is { } pages)
            {
                Run($"PRAGMA max_page_count = {pages}");
            }
        }
        catch (SqliteException fault)
        {
            Dispose();
            throw SqliteFault.Of(fault.SqliteErrorCode, fault.SqliteExtendedErrorCode, fault.Message, path);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Path { get; }

    /// <summary>How many statements are prepared.</summary>
    public int Statements => _statements.Count;

    /// <summary>Whether a transaction is on.</summary>
    public bool IsInTransaction => raw.sqlite3_get_autocommit(Handle) == 0;

    private sqlite3 Handle => _connection.Handle!;

    /// <summary>Runs a statement and returns its rows, to be disposed of before it is run again.</summary>
    /// <param name="sql">A literal: it is prepared once.</param>
    /// <param name="values">For ?1, ?2 and so on.</param>
    public Rows Query(string sql, params ReadOnlySpan<Value> values)
    {
        Debug.Assert(ReferenceEquals(string.IsInterned(sql), sql), "A text that is built anew is prepared anew, and kept.");
        if (!_statements.TryGetValue(sql, out Statement? statement))
        {
            if (raw.sqlite3_prepare_v2(Handle, sql, out sqlite3_stmt prepared) != raw.SQLITE_OK)
            {
                throw Fault();
            }

            _statements.Add(sql, statement = new Statement(this, prepared));
        }

        statement.Bind(values);
        return new Rows(statement);
    }

    /// <summary>Runs a statement of which no row is wanted.</summary>
    /// <returns>How many rows it changed.</returns>
    public int Do(string sql, params ReadOnlySpan<Value> values)
    {
        using (Rows rows = Query(sql, values))
        {
            while (rows.Next())
            {
            }
        }

        return raw.sqlite3_changes(Handle);
    }

    /// <summary>The number that a statement finds; 0 if there is none.</summary>
    public long Number(string sql, params ReadOnlySpan<Value> values)
    {
        using Rows rows = Query(sql, values);
        return rows.Next() ? rows.Number(0) : 0;
    }

    /// <summary>Runs statements that are not kept: a script.</summary>
    public void Run(string script)
    {
        if (raw.sqlite3_exec(Handle, script) != raw.SQLITE_OK)
        {
            throw Fault();
        }
    }

    /// <summary>What the last call failed of.</summary>
    public Exception Fault() =>
        SqliteFault.Of(raw.sqlite3_errcode(Handle), raw.sqlite3_extended_errcode(Handle), raw.sqlite3_errmsg(Handle).utf8_to_string(),
            Path);

    public void Dispose()
    {
        foreach (Statement statement in _statements.Values)
        {
            statement.Dispose();
        }

        _statements.Clear();
        _connection.Dispose();
    }
}
