using Npgsql;
using Vmem.Leasing.PostgreSql.Tests.Server;
using Vmem.Tool.Leases;

namespace Vmem.Leasing.PostgreSql.Tests;

/// <summary>A database whose transactions see one state from their beginning to their end, as all of it may be set to.</summary>
public sealed class IsolationTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private static readonly LeaseDefinition s_definition =
        new() { Start = 0, Size = 64, Type = "UInt64", Quarantine = TimeSpan.FromMinutes(5) };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A call that waited for another fails, as what it saw is old. Asked again it is granted.</summary>
    [Theory]
    [InlineData("repeatable read")]
    [InlineData("serializable")]
    public async Task R2_under_a_stricter_isolation_calls_may_fail_and_nothing_is_given_twice(string isolation)
    {
        string database = await server.CreateDatabaseAsync();
        await using NpgsqlDataSource source = server.Connect(database);
        await PostgresServer.ExecuteAsync(source, $"ALTER DATABASE {database} SET default_transaction_isolation = '{isolation}'");
        source.Clear();
        await using PostgreSqlLeaseStore store = new(source);
        LeaseArena arena = await store.EnsureArenaAsync("ids", s_definition, Token);
        LeaseClaim[][] claims = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => LeaseAsync(source, arena)));
        Assert.Equal(32, claims.SelectMany(static of => of).Select(static claim => claim.Start).Distinct().Count());
        Assert.Equal(32, claims.SelectMany(static of => of).Select(static claim => claim.Fence).Distinct().Count());
        Assert.Empty(await store.ValidateAsync(arena.Id, Token));
        await using StoreAddress address = new(server.AddressOf(database), StoreUse.Read);
        FindingDocument finding = Assert.Single(await Doctor.ExamineAsync(address, Token), static finding => finding.Check == "isolation");
        Assert.False(finding.IsGood);
        Assert.StartsWith(isolation, finding.Text, StringComparison.Ordinal);
    }

    /// <summary>Eight values, of a process of its own.</summary>
    private static async Task<LeaseClaim[]> LeaseAsync(NpgsqlDataSource source, LeaseArena arena)
    {
        await using PostgreSqlLeaseStore store = new(source);
        var session = Guid.NewGuid();
        await UntilAnsweredAsync(() => store.OpenSessionAsync(session, "tests", s_definition.Quarantine, 0, Token));
        List<LeaseClaim> claims = [];
        while (claims.Count < 8)
        {
            LeaseRequest request = new(arena.Id, session, Guid.CreateVersion7(), 1);
            claims.Add((await UntilAnsweredAsync(() => store.GrantAsync(request, Token))).Claim!);
        }

        return [.. claims];
    }

    private static async Task<TAnswer> UntilAnsweredAsync<TAnswer>(Func<ValueTask<TAnswer>> ask)
    {
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (PostgresException fault) when (fault.SqlState == PostgresErrorCodes.SerializationFailure)
            {
                Token.ThrowIfCancellationRequested();
            }
        }
    }
}
