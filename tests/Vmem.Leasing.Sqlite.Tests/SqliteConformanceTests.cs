using Microsoft.Data.Sqlite;
using Vmem.Leasing.Conformance;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Sqlite.Tests;

/// <summary>The contract on a file. A failover is SQLite's own restoration of a backup, under the store, and nothing else.</summary>
public sealed class SqliteConformanceTests : LeaseStoreContract
{
    private readonly TempFile _file = new();
    private readonly ManualTime _time = new();
    private readonly InterruptedTime _clock;
    private readonly SqliteConnection _backup = new("Data Source=:memory:");

    public SqliteConformanceTests() => _clock = new InterruptedTime(_time);

    protected override int OrdersAScript => 100;

    protected override ValueTask<LeaseStore> CreateAsync() =>
        new(new SqliteLeaseStore(_file.Path, new SqliteLeaseStoreOptions { TimeProvider = _clock, SurvivesPowerLoss = false }));

    protected override ValueTask ElapseAsync(TimeSpan time)
    {
        _time.Advance(time);
        return ValueTask.CompletedTask;
    }

    protected override ValueTask RememberAsync()
    {
        _backup.Open();
        using SqliteConnection file = _file.Connect();
        file.BackupDatabase(_backup);
        return ValueTask.CompletedTask;
    }

    protected override async ValueTask FailOverAsync()
    {
        await Store.OpenSessionAsync(Guid.NewGuid(), "forgotten", Ttl, 0, Token);              // a failover that loses nothing is none
        using (SqliteConnection file = _file.Connect())
        {
            _backup.BackupDatabase(file);
        }

        Assert.Null(await Store.RenewAsync(Guid.NewGuid(), 0, Token));
    }

    /// <summary>The clock is read within the transaction, after its first statements. Another store on the file is another process to
    /// SQLite. That its call has to wait is seen from a third connection, which does not wait and is refused.</summary>
    protected override async Task OverlapAsync(Func<LeaseStore, Task> first, Func<LeaseStore, Task> second)
    {
        await using SqliteLeaseStore other = new(_file.Path, new SqliteLeaseStoreOptions
        {
            TimeProvider = _time,
            SurvivesPowerLoss = false,
            BusyTimeout = TimeSpan.FromMinutes(2),
        });
        await other.GetInfoAsync(Token);
        Task? begun = null;
        SqliteException? refusal = null;
        _clock.AtNextReading(() =>
        {
            begun = Task.Run(() => second(other), Token);
            using SqliteConnection third = _file.Connect();
            refusal = Assert.Throws<SqliteException>(() => Begin(third));
        });
        await first(Store);
        await begun!;
        Assert.Equal(SQLitePCL.raw.SQLITE_BUSY, refusal!.SqliteErrorCode);
    }

    private static void Begin(SqliteConnection connection)
    {
        SQLitePCL.raw.sqlite3_busy_timeout(connection.Handle!, 0);
        int code = SQLitePCL.raw.sqlite3_exec(connection.Handle!, "BEGIN IMMEDIATE");
        SqliteException.ThrowExceptionForRC(code, connection.Handle);
    }

    protected override ValueTask EndAsync()
    {
        _backup.Dispose();
        _file.Dispose();
        return ValueTask.CompletedTask;
    }
}
