using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Npgsql;
using Vmem.Leasing;

namespace Vmem.Benchmarks.Studies;

/// <summary>An engine that keeps leases, and can count.</summary>
internal abstract class LeaseSubject : IDisposable
{
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);

    private LeaseArena? _arena;
    private Guid _session;
    private long _place;

    public abstract LeaseStore Store { get; }

    /// <summary>How many grants there are a second.</summary>
    public async Task<double> GrantsAsync(int clients, double seconds)
    {
        if (_arena is null)
        {
            await FillAsync(0);
        }

        return await RunAsync(clients, seconds, async _ =>
            await Store.GrantAsync(new LeaseRequest(_arena!.Id, _session, Guid.CreateVersion7(), 1)));
    }

    /// <summary>How many grants of a certain value there are a second, one after the other: each is in a hole of its own.</summary>
    public Task<double> PlacesAsync(double seconds) => RunAsync(1, seconds, async _ =>
    {
        UInt128 hole = (UInt128)(2 * _place++) + 1;
        await Store.GrantAsync(new LeaseRequest(_arena!.Id, _session, Guid.CreateVersion7(), 1) { Min = hole, Max = hole + 1 });
    });

    /// <summary>How often a row is counted up a second.</summary>
    public Task<double> CountsAsync(int clients, double seconds) => RunAsync(clients, seconds, CountAsync);

    /// <summary>Makes the arena, with so many leases in it.</summary>
    /// <param name="extents">How many.</param>
    /// <param name="distance">How far apart they begin: 1 leaves no holes between them, 2 leaves one each.</param>
    public async Task FillAsync(int extents, int distance = 1)
    {
        LeaseArena arena = await OpenAsync($"ids {Guid.NewGuid()}");
        await LeaseManyAsync(arena.Id, _session, extents, distance);
        _place = extents / 2;
    }

    /// <summary>Grants are of this arena from now on. It is made, if it is not there.</summary>
    public async Task<LeaseArena> OpenAsync(string name)
    {
        LeaseDefinition definition = new() { Start = 0, Size = UInt128.One << 40, Type = nameof(UInt64), Quarantine = s_hour };
        LeaseArena arena = await Store.EnsureArenaAsync(name, definition);
        _session = Guid.NewGuid();
        await Store.OpenSessionAsync(_session, "study", s_hour, 0);
        return _arena = arena;
    }

    public abstract void Dispose();

    protected abstract Task CountAsync(int client);

    protected virtual async Task LeaseManyAsync(int arena, Guid session, int count, int distance)
    {
        for (int i = 0; i < count; i += 500)
        {
            await Task.WhenAll(Enumerable.Range(i, Math.Min(500, count - i)).Select(async place =>
            {
                var at = (UInt128)((long)place * distance);
                LeaseRequest request = new(arena, session, Guid.CreateVersion7(), 1);
                await Store.GrantAsync(distance == 1 ? request : request with { Min = at, Max = at + 1 });
            }));
        }
    }

    private static async Task<double> RunAsync(int clients, double seconds, Func<int, Task> once)
    {
        long begin = Stopwatch.GetTimestamp();
        long done = 0;
        await Task.WhenAll(Enumerable.Range(0, clients).Select(client => Task.Run(async () =>
        {
            while (Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds)
            {
                await once(client);
                Interlocked.Increment(ref done);
            }
        })));
        return done / Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }
}

/// <summary>A file.</summary>
internal sealed class LeaseFileSubject : LeaseSubject
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vmem-study-").FullName;
    private readonly SqliteLeaseStore _store;
    private readonly SqliteConnection _counter;
    private readonly SqliteCommand _count;

    public LeaseFileSubject()
    {
        _store = new SqliteLeaseStore(Path.Combine(_folder, "leases.db"));
        _counter = new SqliteConnection($"Data Source={Path.Combine(_folder, "counter.db")};Pooling=False");
        _counter.Open();
        _count = _counter.CreateCommand();
        _count.CommandText = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE counter (value INTEGER); INSERT INTO counter VALUES (0)";
        _count.ExecuteNonQuery();
        _count.CommandText = "UPDATE counter SET value = value + 1 RETURNING value";
    }

    public override LeaseStore Store => _store;

    public override void Dispose()
    {
        _store.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _count.Dispose();
        _counter.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    // One connection: more of them do not count faster, as one writes at a time.
    protected override Task CountAsync(int client)
    {
        lock (_count)
        {
            _count.ExecuteScalar();
        }

        return Task.CompletedTask;
    }
}

/// <summary>A server.</summary>
internal sealed class LeaseServerSubject : LeaseSubject
{
    private readonly NpgsqlDataSource _source;

    public LeaseServerSubject(string server)
    {
        _source = NpgsqlDataSource.Create(server);
        Store = new PostgreSqlLeaseStore(_source);
    }

    public override LeaseStore Store { get; }

    /// <summary>Once, before anybody counts.</summary>
    public void MakeCounter() =>
        Execute("CREATE TABLE IF NOT EXISTS counter (value bigint); DELETE FROM counter; INSERT INTO counter VALUES (0)");

    public override void Dispose() => _source.Dispose();

    protected override async Task CountAsync(int client)
    {
        await using NpgsqlCommand command = _source.CreateCommand("UPDATE counter SET value = value + 1 RETURNING value");
        await command.ExecuteScalarAsync();
    }

    // As grants leave them. One by one they would take minutes.
    protected override Task LeaseManyAsync(int arena, Guid session, int count, int distance)
    {
        if (count > 0)
        {
            Execute($"""
                UPDATE vmem.extent SET range = int8range({(long)(count - 1) * distance + 1}, upper(range)) WHERE arena = {arena};
                UPDATE vmem.arena SET fence = {count} WHERE id = {arena};
                INSERT INTO vmem.extent (arena, range, state, session, request, fence, since)
                  SELECT {arena}, int8range(i * {distance}, i * {distance} + 1), 'L', s.id, gen_random_uuid(), i + 1, clock_timestamp()
                    FROM generate_series(0, {count - 1}) i, vmem.session s WHERE s.instance = '{session}';
                INSERT INTO vmem.extent (arena, range, state, since)
                  SELECT {arena}, int8range(i * {distance} + 1, (i + 1) * {distance}), 'F', clock_timestamp()
                    FROM generate_series(0, {count - 2}) i WHERE {distance} > 1;
                ANALYZE vmem.extent;
                """);
        }

        return Task.CompletedTask;
    }

    private void Execute(string sql)
    {
        using NpgsqlCommand command = _source.CreateCommand(sql);
        command.CommandTimeout = 0;
        command.ExecuteNonQuery();
    }
}
