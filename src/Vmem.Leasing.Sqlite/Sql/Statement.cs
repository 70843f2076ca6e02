using System.Buffers.Binary;
using SQLitePCL;

namespace Vmem.Leasing.Sqlite.Sql;

/// <summary>A prepared statement, used again and again by one thread at a time.</summary>
/// <remarks>
/// Below <c>SqliteCommand</c>, on purpose: a grant is eight statements, and the command, its parameters and its reader cost more than what
/// SQLite does in them.
/// </remarks>
internal sealed class Statement : IDisposable
{
    private readonly Database _database;
    private readonly sqlite3_stmt _statement;

    public Statement(Database database, sqlite3_stmt statement) => (_database, _statement) = (database, statement);

    public void Bind(ReadOnlySpan<Value> values)
    {
        Span<byte> bytes = stackalloc byte[16];
        for (int i = 0; i < values.Length; i++)
        {
            Value value = values[i];
            int code;
            switch (value.Kind)
            {
                case ValueKind.Number:
                    code = raw.sqlite3_bind_int64(_statement, i + 1, value.Number);
                    break;
                case ValueKind.Wide:
                    BinaryPrimitives.WriteUInt128BigEndian(bytes, value.Wide);
                    code = raw.sqlite3_bind_blob(_statement, i + 1, bytes);
                    break;
                case ValueKind.Text:
                    code = raw.sqlite3_bind_text(_statement, i + 1, value.Text!);
                    break;
                default:
                    code = raw.sqlite3_bind_null(_statement, i + 1);
                    break;
            }

            if (code != raw.SQLITE_OK)
            {
                throw _database.Fault();                   // for want of memory, or as it still runs: it would use another value
            }
        }
    }

    /// <summary>Goes to the next row.</summary>
    /// <returns>False: there is none.</returns>
    public bool Step()
    {
        int code = raw.sqlite3_step(_statement);
        return code == raw.SQLITE_ROW || (code == raw.SQLITE_DONE ? false : throw _database.Fault());
    }

    public void Reset() => _ = raw.sqlite3_reset(_statement);

    public bool IsNull(int column) => raw.sqlite3_column_type(_statement, column) == raw.SQLITE_NULL;

    public long Number(int column) => raw.sqlite3_column_int64(_statement, column);

    public UInt128 Wide(int column) => BinaryPrimitives.ReadUInt128BigEndian(raw.sqlite3_column_blob(_statement, column));

    public Guid Id(int column) => new(raw.sqlite3_column_blob(_statement, column), bigEndian: true);

    public string Text(int column) => raw.sqlite3_column_text(_statement, column).utf8_to_string();

    public void Dispose() => _statement.Dispose();
}
