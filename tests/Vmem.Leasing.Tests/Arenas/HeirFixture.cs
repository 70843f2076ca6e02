using Vmem.Leasing.Tests.Fakes;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>Sessions with a name, and what each inherits of one arena of IDs from 1000 on.</summary>
public abstract class HeirFixture : LeasedArenaFixture
{
    /// <summary>How many IDs the arena has.</summary>
    private protected ulong Size { get; set; } = 64;

    private protected ulong Quantum { get; set; } = 1;

    private protected ulong SpanSize { get; set; } = 8;

    /// <summary>A session that inherits these spans, under new fences.</summary>
    private protected async Task<LeaseSession> OpenHeirAsync(params (ulong Start, ulong Size)[] spans)
    {
        LeaseDefinition definition = new()
        {
            Start = 1000,
            Size = Size,
            Quantum = Quantum,
            Type = nameof(UInt64),
            Quarantine = Fleet.Ttl,
        };
        LeaseArena arena = await Processes.Memory.EnsureArenaAsync("ids", definition, Token);
        Processes.Network.Legacy = session => GrantAsync(arena, session, spans);
        return await LeaseSession.OpenAsync(Processes.Network, Processes.Options with { Name = "one" }, Token);
    }

    private protected LeasedArenaOptions<ulong> Options(int stock = 0, ulong limit = 0) => new()
    {
        SpanSize = SpanSize,
        Stock = stock,
        Definition = new() { Start = 1000, Size = Size, Quantum = Quantum },
        Arena = new() { Limit = limit },
    };

    /// <summary>Another takes an inherited span away from a session. It hears of it when it renews.</summary>
    private protected async Task TakeAwayAsync(LeaseSession session, ulong start)
    {
        IReadOnlyList<LeaseClaim> held = await Processes.Memory.GetHeldAsync(session.Instance, Token);
        Assert.True(await Processes.Memory.ReleaseAsync(held.Single(claim => claim.Start == start), clean: false, null, Token));
    }

    /// <summary>Ranges from a text such as <c>1000+2 1004+1</c>.</summary>
    private protected static LeasedRange<ulong>[] Ranges(string text) =>
    [
        .. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static range => range.Split('+'))
            .Select(static range => new LeasedRange<ulong>(ulong.Parse(range[0]), ulong.Parse(range[1]), 0)),
    ];

    private protected static string Text(IEnumerable<LeasedRange<ulong>> ranges) =>
        string.Join(' ', ranges.Select(static range => $"{range.Start}+{range.Size}"));

    /// <summary>The parts of the arena's spans; those that are allocated with an exclamation mark.</summary>
    private protected static string Parts(LeasedArena<ulong> arena) => string.Join(' ', arena.Arena.GetSegments()
        .Where(static part => part.Kind != SegmentKind.Span)
        .Select(static part => $"{part.Start}+{part.Size}{(part.Kind == SegmentKind.Allocated ? "!" : "")}"));

    private protected async Task<string> ExtentsAsync() => string.Join(
        ' ', (await Processes.Memory.ListAsync(1, Token)).Select(static extent => $"{extent.Start}+{extent.Size}:{extent.State}"));

    private protected async Task<int> LeasedAsync() => (int)(await Processes.Memory.GetUsageAsync(1, Token)).Leased;

    private async ValueTask<IReadOnlyList<LeaseClaim>> GrantAsync(LeaseArena arena, Guid session, (ulong Start, ulong Size)[] spans)
    {
        List<LeaseClaim> claims = [];
        _ = await Processes.Memory.SweepAsync(arena.Id, Token);
        foreach ((ulong start, ulong size) in spans)
        {
            LeaseRequest place = new(arena.Id, session, Guid.NewGuid(), size) { Min = start, Max = start + size };
            claims.Add((await Processes.Memory.GrantAsync(place, Token)).Claim!);
        }

        return claims;
    }
}
