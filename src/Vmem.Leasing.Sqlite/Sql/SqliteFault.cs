using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Vmem.Leasing.Sqlite.Sql;

/// <summary>What an error of SQLite means to whoever leases, and what to do.</summary>
internal static class SqliteFault
{
    public static Exception Of(int code, int extendedCode, string message, string path)
    {
        var cause = new SqliteException(message, code, extendedCode);
        return code switch
        {
            raw.SQLITE_FULL => new IOException($"The disk of {path} is full: nothing was changed. Make room; leases that were granted stay valid for as long as they are renewed.", cause),
            raw.SQLITE_READONLY => new UnauthorizedAccessException($"{path} cannot be written ({message}): nothing was changed. Give this user the right to write the file and its folder.", cause),
            raw.SQLITE_PERM or raw.SQLITE_AUTH => new UnauthorizedAccessException($"{path} may not be used by this user ({message}).", cause),
            raw.SQLITE_CANTOPEN => new IOException($"{path} cannot be opened ({message}): its folder must exist, and this user must be able to write there.", cause),
            raw.SQLITE_BUSY or raw.SQLITE_LOCKED => new TimeoutException($"Another process kept {path} locked for too long: nothing was changed. Is it stopped in the middle of writing, or does a backup run?", cause),
            raw.SQLITE_NOTADB => new LeaseSchemaException($"{path} is no SQLite database: give leases a file of their own.", cause),
            raw.SQLITE_CORRUPT => new IOException($"{path} is damaged ({message}): end all that use it, and restore a backup.", cause),
            raw.SQLITE_IOERR => new IOException($"{path} cannot be read or written ({message}).", cause),
            _ => cause,
        };
    }
}
