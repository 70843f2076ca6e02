using System.Globalization;
using Npgsql;
using Vmem.Leasing.PostgreSql.Tests.Server;

namespace Vmem.Leasing.PostgreSql.Tests;

/// <summary>What is done under an arena's lock reads as few rows beside many extents as beside few.</summary>
public sealed class GrowthTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    /// <summary>Enough that a walk over the extents reads more than all look-ups of a call.</summary>
    private const int Few = 300;

    /// <summary>Whatever is read in the schema: entries of indexes, and rows of tables that are read from end to end.</summary>
    private const string Reads =
        "SELECT sum(pg_stat_get_xact_tuples_returned(oid))::bigint FROM pg_class WHERE relnamespace = 'vmem'::regnamespace";

    private const string Fence = "(SELECT fence FROM vmem.extent WHERE arena = 1 AND lower(range) = 1000)";

    private readonly Guid _session = Guid.NewGuid();
    private readonly Guid _other = Guid.NewGuid();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Grant => $"""
        SELECT vmem.open_session('{_other}', 'other', interval '5 minutes', 0)
         WHERE NOT EXISTS (SELECT FROM vmem.session WHERE instance = '{_other}');
        UPDATE vmem.session SET state = 'L' WHERE instance = '{_other}';
        SELECT vmem.grant_lease(1, '{_other}', gen_random_uuid(), 1, 0, 0, 0, 1000, 1001);
        """;

    private string Release => $"SELECT vmem.release_lease(1, '{_other}', 1000, 1, {Fence}, true, NULL);";

    /// <summary>A connection makes its plans beside one extent, and keeps them. Of the others a third each is leased, free and
    /// quarantined.</summary>
    [Theory]
    [InlineData("grant")]
    [InlineData("release")]
    [InlineData("mark")]
    [InlineData("reassert")]
    [InlineData("close")]
    [InlineData("sweep quarantined")]
    [InlineData("sweep dead")]
    public async Task A_call_reads_no_more_beside_many_extents(string what)
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        PostgreSqlLeaseStore store = new(source);
        TimeSpan ttl = TimeSpan.FromMinutes(5);
        await store.EnsureArenaAsync("ids", new() { Start = 0, Size = 1 << 20, Type = "UInt64", Quarantine = ttl }, Token);
        await store.OpenSessionAsync(_session, "tests", ttl, 0, Token);
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(Token);
        await ExecuteAsync(connection, "VACUUM ANALYZE vmem.extent, vmem.session, vmem.arena");
        for (int i = 0; i < 8; i++)
        {
            await MeasureAsync(connection, what);
        }

        await ExecuteAsync(connection, "UPDATE vmem.extent SET range = int8range(0, 10000)");
        await FillAsync(connection, 0, Few);
        long beside = await MeasureAsync(connection, what);
        await FillAsync(connection, Few, 10 * Few);
        Assert.InRange(await MeasureAsync(connection, what), 1, Math.Min(2 * beside, Few));
    }

    /// <summary>The statistics know nothing of an arena that was made after the last <c>ANALYZE</c>. And where another has grown, the index
    /// by size is large and has few entries, so that it seems to cost much.</summary>
    [Theory]
    [InlineData("grant_quickly", "1, 0, 0, 0, 0, 0")]
    [InlineData("grant_lease", "1, 0, 0, 0, 0, 0")]
    [InlineData("grant_lease", "2000000, 1, 0, 0, 0, 0")]
    [InlineData("grant_lease", "1, 0, 2, 0, 0, 0")]
    public async Task A_grant_in_an_arena_that_is_new_beside_a_large_one_reads_few_rows(string function, string wanted)
    {
        const string Grants = "SELECT count(vmem.grant_quickly(id, '{0}', gen_random_uuid(), 1, 0, 0, 0, 0, 0)) FROM vmem.arena, generate_series(1, {1}) WHERE name = '{2}'";
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        PostgreSqlLeaseStore store = new(source);
        await store.OpenSessionAsync(_session, "tests", TimeSpan.FromMinutes(5), 0, Token);
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(Token);
        foreach (string name in (string[])["small", "empty", "large", "new"])
        {
            if (name == "new")
            {
                await ExecuteAsync(connection, "VACUUM ANALYZE vmem.extent, vmem.session, vmem.arena");
            }

            await store.EnsureArenaAsync(name, new() { Start = 0, Size = 1 << 20, Type = "UInt64", Quarantine = TimeSpan.FromMinutes(5) }, Token);
            int count = name switch { "large" => 10 * Few, "new" => Few, _ => 0 };
            await ExecuteAsync(connection, string.Format(CultureInfo.InvariantCulture, Grants, _session, count, name));
        }

        string call = $"SELECT vmem.{function}(id, '{_session}', gen_random_uuid(), {wanted})::text FROM vmem.arena WHERE name = 'new'";
        await ExecuteAsync(connection, $"DISCARD PLANS; {call}");                            // and meets what updates have left in the index
        await ExecuteAsync(connection, "BEGIN");
        long read = (long)(await ExecuteAsync(connection, Reads))!;
        Assert.NotNull(await ExecuteAsync(connection, call));
        Assert.InRange((long)(await ExecuteAsync(connection, Reads))! - read, 1, Few / 10);
        await ExecuteAsync(connection, "COMMIT");
    }

    private async Task<long> MeasureAsync(NpgsqlConnection connection, string what)
    {
        (string before, string call, object expected, string after) = what switch
        {
            "release" => (Grant, $"vmem.release_lease(1, '{_other}', 1000, 1, $1, true, NULL)", (object)true, ""),
            "grant" => (Grant + Release,
                $"(vmem.grant_quickly(1, '{_other}', gen_random_uuid(), 1, 0, 0, 0, 0, 0))[1] + 0 * $1", 0L, "ROLLBACK;"),
            "mark" => (Grant, $"vmem.mark(1, '{_other}', 1000, 1, $1, 5)", true, Release),
            "reassert" => (Grant + Release + "UPDATE vmem.server SET phase = 2, hold_until = 'infinity';",
                $"vmem.reassert(1, '{_other}', 1000, 1, $1, gen_random_uuid())", 1, "UPDATE vmem.server SET phase = 0;" + Release),
            "close" => (Grant, $"vmem.close_session('{_other}', $1 > 0) IS NOT NULL", true, ""),
            "sweep quarantined" => (Grant + Release.Replace("true", "false", StringComparison.Ordinal)
                + "UPDATE vmem.extent SET since = since - interval '1 day' WHERE arena = 1 AND lower(range) = 1000;",
                "vmem.sweep(1) + 0 * $1", 1L, ""),
            _ => (Grant + $"UPDATE vmem.session SET state = 'D' WHERE instance = '{_other}';", "vmem.sweep(1) + 0 * $1", 1L, ""),
        };
        await ExecuteAsync(connection, "BEGIN");
        await ExecuteAsync(connection, before);
        long fence = await ExecuteAsync(connection, $"SELECT {Fence}") as long? ?? 1;
        await ExecuteAsync(connection, "COMMIT; BEGIN");
        long read = (long)(await ExecuteAsync(connection, Reads))!;
        call = call.Replace("$1", $"{fence}::bigint", StringComparison.Ordinal);
        Assert.Equal(expected, await ExecuteAsync(connection, $"SELECT {call}"));
        read = (long)(await ExecuteAsync(connection, Reads))! - read;
        await ExecuteAsync(connection, after + "COMMIT");
        return read;
    }

    /// <summary>From the value 10,000 on, under fences that no grant has.</summary>
    private Task<object?> FillAsync(NpgsqlConnection connection, int from, int to) => ExecuteAsync(connection, $"""
        INSERT INTO vmem.extent (arena, range, state, session, request, since)
        SELECT 1, int8range(10000 + n, 10001 + n), k.state::"char", s.id, CASE k.state WHEN 'L' THEN gen_random_uuid() END, now()
          FROM generate_series({from}, {to - 1}) n, LATERAL (VALUES ((ARRAY['L', 'F', 'Q'])[1 + n % 3])) k (state)
          LEFT JOIN vmem.session s ON s.instance = '{_session}' AND k.state = 'L'
        """);

    private static async Task<object?> ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using NpgsqlCommand command = new(sql, connection);
        return await command.ExecuteScalarAsync(Token);
    }
}
