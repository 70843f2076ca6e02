using Vmem.Leasing.Tests.Fakes;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>What cannot be, and what the errors say.</summary>
public sealed class LeasedArenaRefusalTests : LeasedArenaFixture
{
    [Fact]
    public async Task Another_type_another_definition_and_a_missing_arena_are_refused()
    {
        LeaseSession session = await Processes.OpenAsync();
        await OpenAsync(session);
        LeaseDefinitionException type = await Assert.ThrowsAsync<LeaseDefinitionException>(
            () => LeasedArena<ushort>.OpenAsync(session, "ids", null, Token));
        Assert.Contains("UInt64", type.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<LeaseDefinitionException>(() => LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids(32), Token));
        await Assert.ThrowsAsync<LeaseDefinitionException>(() => LeasedArena<ulong>.OpenAsync(session, "none", null, Token));
    }

    [Fact]
    public async Task Options_that_a_leased_arena_cannot_keep_are_refused()
    {
        LeaseSession session = await Processes.OpenAsync();
        using Arena<ulong> source = new("source", 1);
        ArenaOptions<ulong>[] wrong = [new() { QuantumCacheMax = 8 }, new() { SingleThreaded = true }, new() { Source = source }];
        foreach (ArenaOptions<ulong> options in wrong)
        {
            await Assert.ThrowsAsync<ArgumentException>(
                () => LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids() with { Arena = options }, Token));
        }
    }

    [Fact]
    public async Task A_request_that_can_never_be_met_is_refused_at_once()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        ArgumentException fault = await Assert.ThrowsAsync<ArgumentException>(async () => await arena.AllocateAsync(65, default, Token));
        Assert.Contains("64", fault.Message, StringComparison.Ordinal);
    }
}
