using Microsoft.Data.Sqlite;

namespace Vmem.Leasing.Sqlite.Tests;

/// <summary>A file of one test's own, gone with it.</summary>
internal sealed class TempFile : IDisposable
{
    public TempFile() => Path = System.IO.Path.Combine(Folder, "leases.db");

    public string Folder { get; } = Directory.CreateTempSubdirectory("vmem-sqlite-").FullName;

    public string Path { get; }

    public SqliteConnection Connect()
    {
        SqliteConnection connection = new($"Data Source={Path};Pooling=False");
        connection.Open();
        return connection;
    }

    public object? Execute(string sql)
    {
        using SqliteConnection connection = Connect();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
