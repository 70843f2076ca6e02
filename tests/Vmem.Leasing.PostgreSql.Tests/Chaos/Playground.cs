using System.Globalization;
using Npgsql;
using Vmem.Leasing.PostgreSql.Tests.Server;

namespace Vmem.Leasing.PostgreSql.Tests.Chaos;

/// <summary>A database with an arena of a few spans, a clock that can be moved, and the log of all uses.</summary>
internal sealed class Playground : IAsyncDisposable
{
    /// <summary>Only what hangs takes so long: a busy machine may need a minute to start a server, and as long for a program.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly PostgresServer _server;

    private Playground(PostgresServer server, string database)
    {
        _server = server;
        Database = database;
        Source = server.Connect(database);
    }

    public string Database { get; }

    public NpgsqlDataSource Source { get; }

    public string Folder { get; } = Directory.CreateTempSubdirectory("vmem-chaos-").FullName;

    /// <param name="server">The server.</param>
    /// <param name="spans">How many spans the arena has.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <param name="quarantine">The arena's; as short as holders' sessions, unless set.</param>
    public static async Task<Playground> CreateAsync(PostgresServer server, int spans, CancellationToken cancellationToken,
        TimeSpan? quarantine = null)
    {
        Playground playground = new(server, await server.CreateDatabaseAsync());
        await LeaseSchema.MigrateAsync(playground.Source, cancellationToken);
        await playground.ExecuteAsync("""
            CREATE SCHEMA test;
            CREATE TABLE test.clock (ahead interval NOT NULL);
            INSERT INTO test.clock VALUES ('0');
            CREATE OR REPLACE FUNCTION vmem._now() RETURNS timestamptz LANGUAGE sql VOLATILE AS
              $$ SELECT clock_timestamp() + (SELECT ahead FROM test.clock) $$;
            """);
        UInt128 size = (UInt128)(spans * Holder.SpanSize);
        LeaseDefinition definition = new() { Start = 0, Size = size, Type = nameof(UInt32), Quarantine = quarantine ?? Holder.Ttl };
        await new PostgreSqlLeaseStore(playground.Source).EnsureArenaAsync(Holder.ArenaName, definition, cancellationToken);
        return playground;
    }

    public List<Use> Uses() => UseLog.ReadAll(Folder);

    /// <summary>Waits until the uses are as wanted, and does something now and then.</summary>
    public async Task UntilAsync(Func<List<Use>, bool> isSo, TimeSpan patience, Func<Task>? meanwhile = null)
    {
        long end = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        while (!isSo(Uses()))
        {
            Assert.True(Environment.TickCount64 < end, $"not within {patience}");
            await (meanwhile?.Invoke() ?? Task.CompletedTask);
            await Task.Delay(200, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>A holder of this process, until it is disposed of.</summary>
    public IAsyncDisposable Hold(Proxy? proxy, bool looksAtDeadline)
    {
        NpgsqlDataSource source = NpgsqlDataSource.Create(_server.AddressOf(Database, proxy?.Port));
        UseLog log = new(Folder);
        return new Run(source, log, new Holder(source, log, looksAtDeadline).RunAsync);
    }

    /// <summary>A holder of this process without a session object, and perhaps without a rule.</summary>
    public Run HoldBare(Proxy? proxy, Rule off)
    {
        // An answer that comes late is what may be wanted: so it waits for as long as it takes.
        NpgsqlDataSource source = NpgsqlDataSource.Create(_server.AddressOf(Database, proxy?.Port, seconds: 0));
        UseLog log = new(Folder);
        return new Run(source, log, new BareHolder(source, log, off).RunAsync);
    }

    public Task StepClockAsync(TimeSpan by) => ExecuteAsync(string.Create(CultureInfo.InvariantCulture,
        $"UPDATE test.clock SET ahead = ahead + interval '{by.TotalSeconds} seconds'"));

    /// <summary>All tables as of one moment.</summary>
    public Task RememberAsync() => ExecuteAsync("""
        BEGIN ISOLATION LEVEL REPEATABLE READ;
        CREATE TABLE test.server AS TABLE vmem.server;
        CREATE TABLE test.arena AS TABLE vmem.arena;
        CREATE TABLE test.session AS TABLE vmem.session;
        CREATE TABLE test.extent AS TABLE vmem.extent;
        CREATE TABLE test.audit AS TABLE vmem.audit;
        COMMIT;
        """);

    /// <summary>What was remembered is put back, as a replica has it; under another timeline, unless nobody is to notice.</summary>
    public async Task FailOverAsync(bool isNoticed)
    {
        string sql = $"""
        TRUNCATE vmem.arena, vmem.session, vmem.extent, vmem.audit, vmem.server;
        INSERT INTO vmem.server SELECT * FROM test.server;
        {(isNoticed ? "UPDATE vmem.server SET timeline = 'another';" : "")}
        INSERT INTO vmem.arena OVERRIDING SYSTEM VALUE SELECT * FROM test.arena;
        INSERT INTO vmem.session OVERRIDING SYSTEM VALUE SELECT * FROM test.session;
        INSERT INTO vmem.extent SELECT * FROM test.extent;
        INSERT INTO vmem.audit OVERRIDING SYSTEM VALUE SELECT * FROM test.audit;
        SELECT vmem._server_ok();
        """;
        for (int tries = 1; ; tries++)
        {
            try
            {
                await ExecuteAsync(sql);
                return;
            }
            catch (PostgresException fault) when (fault.SqlState == PostgresErrorCodes.DeadlockDetected && tries < 20)
            {
                // With a holder's call: one of the two is broken off, and this one may try again.
            }
        }
    }

    /// <summary>Replaces a part of a function: a rule is off.</summary>
    public async Task PatchAsync(string function, string what, string by)
    {
        string source = (string)(await PostgresServer.ExecuteAsync(Source, $"SELECT pg_get_functiondef('{function}'::regprocedure)"))!;
        Assert.Contains(what, source, StringComparison.Ordinal);
        await ExecuteAsync(source.Replace(what, by, StringComparison.Ordinal));
    }

    public async Task ValidateAsync()
    {
        PostgreSqlLeaseStore store = new(Source);
        LeaseArena arena = await store.EnsureArenaAsync(Holder.ArenaName, null, TestContext.Current.CancellationToken);
        Assert.Empty(await store.ValidateAsync(arena.Id, TestContext.Current.CancellationToken));
    }

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private Task<object?> ExecuteAsync(string sql) => PostgresServer.ExecuteAsync(Source, sql);

    /// <summary>A holder that runs until it is disposed of.</summary>
    internal sealed class Run : IAsyncDisposable
    {
        private readonly NpgsqlDataSource _source;
        private readonly UseLog _log;
        private readonly CancellationTokenSource _stop = new();

        public Run(NpgsqlDataSource source, UseLog log, Func<CancellationToken, Task> run)
        {
            (_source, _log) = (source, log);
            Running = run(_stop.Token);
        }

        /// <summary>Ends when the holder has ended by itself.</summary>
        public Task Running { get; }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await Running;
            await _source.DisposeAsync();
            _log.Dispose();
            _stop.Dispose();
        }
    }
}
