using Npgsql;
using Vmem.Leasing;

namespace Vmem.Tool.Leases;

/// <summary>Where leases are kept, as the command line says it: a file of SQLite, or a connection string of PostgreSQL.</summary>
internal sealed class StoreAddress : IAsyncDisposable
{
    private static readonly string[] s_keys = ["host", "server", "data source"];

    private readonly StoreUse _use;
    private LeaseStore? _store;

    /// <param name="text">The address.</param>
    /// <param name="use">What it is opened for.</param>
    /// <exception cref="LeaseAddressException">It is none.</exception>
    public StoreAddress(string text, StoreUse use)
    {
        _use = use;
        if (text.Length == 0)
        {
            throw new LeaseAddressException("an empty address is no store's: give a file, or a connection string such as \"Host=…;Database=…\"");
        }

        if (text.StartsWith("postgres://", StringComparison.Ordinal) || text.StartsWith("postgresql://", StringComparison.Ordinal))
        {
            Database = NpgsqlDataSource.Create(OfUri(text));
        }
        else if (Array.Exists(text.Split(';'), static part =>
            part.Split('=') is [string key, _, ..] && s_keys.Contains(key.Trim().ToLowerInvariant())))
        {
            try
            {
                Database = NpgsqlDataSource.Create(text);
            }
            catch (ArgumentException fault)
            {
                throw new LeaseAddressException($"the connection string is wrong: {fault.Message}");
            }
        }
        else
        {
            File = text;
        }
    }

    /// <summary>The database; null: it is a file.</summary>
    public NpgsqlDataSource? Database { get; }

    /// <summary>The file; null: it is a database.</summary>
    public string? File { get; }

    public LeaseStore Store => _store ??= Open();

    public async ValueTask DisposeAsync()
    {
        if (_store is not null)
        {
            await _store.DisposeAsync();
        }

        if (Database is not null)
        {
            await Database.DisposeAsync();
        }
    }

    private LeaseStore Open()
    {
        bool makes = _use == StoreUse.Make;
        if (Database is not null)
        {
            return new PostgreSqlLeaseStore(Database, migrates: makes);
        }

        return makes || System.IO.File.Exists(File)
            ? new SqliteLeaseStore(File!, new SqliteLeaseStoreOptions { IsReadOnly = _use == StoreUse.Read, Migrates = makes })
            : throw new LeaseAddressException(Directory.Exists(File)
                ? $"{File}: is a folder, and leases are in a file"
                : $"{File}: there is no such file; \"vmem lease init\" makes one");
    }

    private static string OfUri(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) || uri.Host.Length == 0)
        {
            throw new LeaseAddressException($"{text} is no address of a server: write postgres://user@host/database");
        }

        if (uri.Query.Length > 0)
        {
            throw new LeaseAddressException($"what follows the ? of an address is not known here: write a connection string instead, such as \"Host={uri.Host};SSL Mode=VerifyFull\"");
        }

        string[] user = uri.UserInfo.Split(':', 2);
        NpgsqlConnectionStringBuilder settings = new()
        {
            Host = uri.Host,
            Port = uri.Port > 0 ? uri.Port : NpgsqlConnection.DefaultPort,
            Database = Uri.UnescapeDataString(uri.AbsolutePath.TrimStart('/')),
            Username = Uri.UnescapeDataString(user[0]),
            Password = user.Length > 1 ? Uri.UnescapeDataString(user[1]) : null,
        };
        return settings.ConnectionString;
    }
}

/// <summary>What a command may do to a store.</summary>
internal enum StoreUse
{
    /// <summary>Nothing is written.</summary>
    Read,

    /// <summary>Something in it is changed. A store that is not there was mistyped.</summary>
    Change,

    /// <summary>It is made, or brought to this version, if need be.</summary>
    Make,
}

/// <summary>What is said to be a store is none.</summary>
internal sealed class LeaseAddressException(string message) : Exception(message);
