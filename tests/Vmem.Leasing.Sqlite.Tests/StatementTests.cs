using Vmem.Leasing.Sqlite.Machine;
using Vmem.Leasing.Sqlite.Sql;

namespace Vmem.Leasing.Sqlite.Tests;

/// <summary>Each statement is prepared once, and kept.</summary>
public sealed class StatementTests : IDisposable
{
    private readonly TempFile _file = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _file.Dispose();

    /// <summary>It would be run with what it was given before.</summary>
    [Fact]
    public void A_statement_that_runs_takes_no_other_values()
    {
        using Database database = new(_file.Path, new SqliteLeaseStoreOptions());
        const string Sql = "SELECT ?1";
        Assert.Equal(1, database.Number(Sql, 1));
        using (Rows rows = database.Query(Sql, 2))
        {
            Assert.True(rows.Next());
            Assert.ThrowsAny<Exception>(() => database.Number(Sql, 3));
        }

        Assert.Equal(4, database.Number(Sql, 4));
    }

    [Fact]
    public async Task What_is_read_again_is_not_prepared_again()
    {
        TimeSpan hour = TimeSpan.FromHours(1);
        var session = Guid.NewGuid();
        await using (var store = new SqliteLeaseStore(_file.Path))
        {
            LeaseDefinition definition = new() { Start = 0, Size = 64, Type = "UInt16", Quarantine = hour };
            LeaseArena arena = await store.EnsureArenaAsync("slots", definition, Token);
            await store.OpenSessionAsync(session, "tests", hour, 0, Token);
            for (uint size = 1; size <= 4; size++)
            {
                await store.GrantAsync(new LeaseRequest(arena.Id, session, Guid.NewGuid(), size), Token);
            }
        }

        using Database database = new(_file.Path, new SqliteLeaseStoreOptions());
        LeaseMachine machine = new(database, TimeProvider.System, _file.Folder, null);
        Read();
        int had = database.Statements;
        Read();
        Assert.Equal(had, database.Statements);

        void Read()
        {
            database.Run("BEGIN IMMEDIATE");
            machine.Begin(0, 0);
            Assert.Equal(5, machine.AuditOf(1, 0, 100).Count);
            Assert.Equal(3, machine.NewestAuditOf(1, 3).Count);
            Assert.Single(machine.HistoryOf(1, 5, 100));
            Assert.Equal(5, machine.List(1).Count);
            Assert.Equal(4, machine.HeldBy(session).Count);
            Assert.Equal((UInt128)10, machine.UsageOf(1).Leased);
            Assert.Equal(UInt128.Zero, machine.Sweep(1));
            Assert.Empty(machine.Validate(1));
            Assert.Single(machine.ListArenas());
            Assert.Single(machine.ListSessions());
            machine.End();
            database.Run("COMMIT");
        }
    }
}
