using System.Globalization;
using System.Reflection;
using System.Text;
using Vmem.Leasing.Sqlite.Sql;

namespace Vmem.Leasing.Sqlite;

/// <summary>The tables in the file, as numbered scripts that are applied in order, each once.</summary>
/// <remarks>
/// A script that was released is never changed. All that is missing is applied in one transaction. What is done with the tables is this
/// library's code, so each version says which older libraries may go on using the file beside it.
/// </remarks>
public static class LeaseSchema
{
    // "vmem" in ASCII: how SQLite and its tools tell whose file it is.
    private const int ApplicationId = 0x766D656D;

    /// <summary>The oldest library that may use a file of this version.</summary>
    private const int Oldest = 2;

    private static readonly (int Version, string Sql)[] s_scripts = [.. Read()];

    /// <summary>The version of this library.</summary>
    public static int Version => s_scripts[^1].Version;

    /// <summary>What brings a file from a version to this library's.</summary>
    /// <param name="from">The version that it has; 0: the file is new.</param>
    /// <returns>SQL for the program <c>sqlite3</c>: one transaction.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such version.</exception>
    public static string GetScript(int from = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(from, Version);
        return $"BEGIN IMMEDIATE;\n{Statements(from)}COMMIT;\n";
    }

    /// <summary>The version that a file has.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The version; 0: it is new, or empty.</returns>
    /// <exception cref="LeaseSchemaException">It is no file of leases, or too new.</exception>
    public static int ReadVersion(string path)
    {
        if (!File.Exists(path))
        {
            return 0;
        }

        using Database database = new(path, new SqliteLeaseStoreOptions { IsReadOnly = true });
        return ReadVersion(database);
    }

    /// <summary>Brings a file to this library's version, or makes it. If it has that, or a newer one, nothing happens.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The version that it had; 0: it was new.</returns>
    /// <exception cref="LeaseSchemaException">It is no file of leases, or too new.</exception>
    public static int Migrate(string path)
    {
        using Database database = new(path, new SqliteLeaseStoreOptions());
        return Migrate(database);
    }

    /// <summary>Reads the version, and refuses what this library must not touch.</summary>
    /// <returns>0: the file is new.</returns>
    internal static int ReadVersion(Database database)
    {
        bool hasTables = database.Number("SELECT count(*) FROM sqlite_schema") > 0;
        if (!hasTables)
        {
            return 0;
        }

        if (database.Number("PRAGMA application_id") != ApplicationId)
        {
            throw new LeaseSchemaException($"{database.Path} is the database of another program: give leases a file of their own.");
        }

        int oldest = (int)database.Number("SELECT oldest FROM schema_version ORDER BY version DESC LIMIT 1");
        int version = (int)database.Number("SELECT max(version) FROM schema_version");
        return oldest <= Version ? version : throw new LeaseSchemaException(
            $"{database.Path} has version {version}, which no library before {oldest} may use, and this one is {Version}: update the program.");
    }

    /// <summary>Applies what is missing, in one transaction. Of several that do it at once, one does.</summary>
    /// <returns>The version that it had.</returns>
    internal static int Migrate(Database database)
    {
        database.Run("BEGIN IMMEDIATE");
        try
        {
            int had = ReadVersion(database);
            if (had < Version)
            {
                database.Run(Statements(had));
            }

            database.Run("COMMIT");
            return had;
        }
        catch
        {
            if (database.IsInTransaction)
            {
                database.Run("ROLLBACK");
            }

            throw;
        }
    }

    internal static LeaseSchemaException Outdated(string path, int version) => new(version == 0
        ? $"{path} is empty: run 'vmem lease migrate {path}' once, or let the store make its tables."
        : $"{path} has version {version}, and this library needs {Version}: run 'vmem lease migrate {path}', or let the store do it.");

    private static string Statements(int from)
    {
        StringBuilder script = new();
        script.Append(CultureInfo.InvariantCulture, $"PRAGMA application_id = {ApplicationId};\n");
        foreach ((int version, string sql) in s_scripts.Where(script => script.Version > from))
        {
            script.Append(sql).Append(CultureInfo.InvariantCulture, $"INSERT INTO schema_version VALUES ({version}, {Math.Min(version, Oldest)});\n\n");
        }

        return script.ToString();
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
