using Microsoft.Data.Sqlite;
using Vmem.Leasing.Conformance;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Sqlite.Tests;

/// <summary>The contract on a file. A failover is SQLite's own restoration of a backup, under the store, and nothing else.</summary>
public sealed class SqliteConformanceTests : LeaseStoreContract
{
    private readonly TempFile _file = new();
    private readonly ManualTime _time = new();
    private readonly SqliteConnection _backup = new("Data Source=:memory:");

    protected override int OrdersAScript => 100;

    protected override ValueTask<LeaseStore> CreateAsync() =>
        new(new SqliteLeaseStore(_file.Path, new SqliteLeaseStoreOptions { TimeProvider = _time, SurvivesPowerLoss = false }));

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

    protected override ValueTask EndAsync()
    {
        _backup.Dispose();
        _file.Dispose();
        return ValueTask.CompletedTask;
    }
}
