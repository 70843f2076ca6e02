using Npgsql;
using Vmem.Leasing.PostgreSql.Tests.Server;

namespace Vmem.Leasing.PostgreSql.Tests;

/// <summary>Arenas of values that a bigint does not hold.</summary>
public sealed class WideArenaTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private static readonly LeaseSessionOptions s_options = new() { Owner = "tests", Ttl = TimeSpan.FromMinutes(5) };

    /// <summary>2001:db8::/32 in prefixes of 64 bits.</summary>
    private static readonly LeaseDefinition s_prefixes = new()
    {
        Start = (UInt128)0x20010db8 << 96,
        Size = UInt128.One << 96,
        Quantum = Prefix(64),
        Type = nameof(UInt128),
        Quarantine = s_options.Ttl,
    };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task IPv6_prefixes_are_leased_where_they_are_asked_for()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        var store = new PostgreSqlLeaseStore(source);
        LeaseArena arena = await store.EnsureArenaAsync("prefixes", s_prefixes, Token);
        Assert.Equal(s_prefixes, arena.Definition);
        Assert.Equal([arena], await store.ListArenasAsync(Token));
        var session = Guid.NewGuid();
        await store.OpenSessionAsync(session, "tests", s_options.Ttl, 0, Token);

        LeaseClaim one = await GrantAsync(Prefix(64));
        Assert.Equal((s_prefixes.Start, Prefix(64)), (one.Start, one.Size));
        LeaseClaim site = await GrantAsync(Prefix(56), align: Prefix(56));
        Assert.Equal(s_prefixes.Start + Prefix(56), site.Start);
        LeaseClaim shifted = await GrantAsync(Prefix(64), align: Prefix(48), phase: 3 * Prefix(64));
        Assert.Equal(s_prefixes.Start + 3 * Prefix(64), shifted.Start);
        UInt128 middle = s_prefixes.Start + (UInt128.One << 95);
        LeaseClaim windowed = await GrantAsync(Prefix(48), min: middle + 1, max: middle + Prefix(64) + Prefix(48));
        Assert.Equal(middle + Prefix(64), windowed.Start);
        LeaseClaim farAlign = await GrantAsync(Prefix(64), align: UInt128.One << 95);                // only at the middle
        Assert.Equal(middle, farAlign.Start);

        Assert.Equal([one, shifted, site, farAlign, windowed], (await store.GetHeldAsync(session, Token)).OrderBy(claim => claim.Start));
        Assert.False(await store.ReleaseAsync(site with { Start = site.Start + 1 }, clean: true, null, Token));
        Assert.False(await store.ReleaseAsync(site with { Size = site.Size - 1 }, clean: true, null, Token));
        Assert.False(await store.MarkAsync(site with { Start = 5 }, 1, Token));
        Assert.True(await store.MarkAsync(site, 17, Token));
        Assert.Equal(LeaseReassertion.Known, await store.ReassertAsync(site, Token));
        Assert.True(await store.ReleaseAsync(site, clean: true, null, Token));
        Assert.Equal(s_prefixes.Size - Prefix(48) - 3 * Prefix(64), (await store.GetUsageAsync(arena.Id, Token)).Free);
        Assert.Contains(await store.ListAsync(arena.Id, Token), extent => extent.Start == windowed.Start && extent.Size == windowed.Size);
        Assert.Contains(await store.ReadNewestAuditAsync(arena.Id, 1, Token),
            entry => entry.Event == LeaseEvent.Free && entry.Start == site.Start && entry.Size == site.Size);
        Assert.Empty(await store.ValidateAsync(arena.Id, Token));

        async Task<LeaseClaim> GrantAsync(UInt128 size, UInt128 align = default, UInt128 phase = default, UInt128 min = default,
            UInt128 max = default)
        {
            LeaseRequest request = new(arena.Id, session, Guid.CreateVersion7(), size)
            {
                Align = align,
                Phase = phase,
                Min = min,
                Max = max,
            };
            return (await store.GrantAsync(request, Token)).Claim!;
        }
    }

    [Fact]
    public async Task A_leased_arena_of_UInt128_hands_out_prefixes()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await using LeaseSession session = await LeaseSession.OpenAsync(new PostgreSqlLeaseStore(source), s_options, Token);
        LeasedArenaOptions<UInt128> options = new()
        {
            SpanSize = Prefix(56),
            Definition = new() { Start = s_prefixes.Start, Size = s_prefixes.Size, Quantum = s_prefixes.Quantum },
        };
        LeasedArena<UInt128> prefixes = await LeasedArena<UInt128>.OpenAsync(session, "prefixes", options, Token);
        LeasedRange<UInt128> site = await prefixes.AllocateAsync(Prefix(48), new() { Align = Prefix(48) }, Token);
        Assert.Equal(UInt128.Zero, site.Start % Prefix(48));
        LeasedRange<UInt128> net = await prefixes.AllocateAsync(Prefix(64), default, Token);
        Assert.NotEqual(site.Fence, net.Fence);
        prefixes.Free(site, clean: true);
        prefixes.Free(net, clean: true);
    }

    /// <summary>What a request asks for and no place has is no room, and no error of the database.</summary>
    [Fact]
    public async Task Windows_and_alignments_beyond_the_arena_are_no_room()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        var store = new PostgreSqlLeaseStore(source);
        LeaseDefinition[] definitions =
        [
            s_prefixes, new() { Start = 1000, Size = 64, Type = nameof(UInt64), Quarantine = s_options.Ttl },
            new() { Start = ulong.MaxValue - 127, Size = 64, Type = nameof(UInt128), Quarantine = s_options.Ttl },
        ];
        var session = Guid.NewGuid();
        await store.OpenSessionAsync(session, "tests", s_options.Ttl, 0, Token);
        foreach (LeaseDefinition definition in definitions)
        {
            LeaseArena arena = await store.EnsureArenaAsync($"from {definition.Start}", definition, Token);
            LeaseRequest any = new(arena.Id, session, Guid.CreateVersion7(), definition.Quantum);
            UInt128 unit = definition.Quantum;
            LeaseRequest[] hopeless =
            [
                any with { Min = definition.Start + definition.Size }, any with { Min = UInt128.MaxValue - 1 },
                any with { Max = definition.Start }, any with { Max = unit / 2 + 1 },
                any with { Align = UInt128.One << 126, Phase = (UInt128.One << 125) },
                any with { Align = (UInt128.One << 63) * unit, Phase = ((UInt128.One << 63) - 1) * unit },
            ];
            foreach (LeaseRequest request in hopeless)
            {
                Assert.Equal(LeaseVerdict.NoRoom, (await store.GrantAsync(request, Token)).Verdict);
            }

            Assert.All(await store.GrantManyAsync([.. hopeless], Token), answer => Assert.Equal(LeaseVerdict.NoRoom, answer.Verdict));
            Assert.Equal(LeaseVerdict.Granted, (await store.GrantAsync(any, Token)).Verdict);
        }
    }

    [Fact]
    public async Task An_arena_of_too_many_quanta_is_refused()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        var store = new PostgreSqlLeaseStore(source);
        LeaseDefinition wide = new() { Start = 0, Size = UInt128.One << 64, Type = nameof(UInt128), Quarantine = TimeSpan.FromMinutes(1) };
        LeaseDefinitionException fault = await Assert.ThrowsAsync<LeaseDefinitionException>(
            async () => await store.EnsureArenaAsync("wide", wide, Token));
        Assert.Contains("use a larger quantum", fault.Message, StringComparison.Ordinal);
    }

    private static UInt128 Prefix(int bits) => UInt128.One << (128 - bits);
}
