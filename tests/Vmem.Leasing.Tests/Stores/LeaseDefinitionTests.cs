namespace Vmem.Leasing.Tests.Stores;

/// <summary>What can be an arena of a store.</summary>
public sealed class LeaseDefinitionTests
{
    [Theory]
    [InlineData("Byte", 0, 256)]
    [InlineData("Byte", 255, 1)]
    [InlineData("UInt16", 49_152, 16_384)]
    [InlineData("Char", 0, 65_536)]
    [InlineData("UInt32", 0, 4_294_967_296)]
    [InlineData("UInt64", 1, ulong.MaxValue)]
    [InlineData("UIntPtr", 1, ulong.MaxValue)]
    [InlineData("UInt128", ulong.MaxValue, ulong.MaxValue)]
    [InlineData("Date", ulong.MaxValue, ulong.MaxValue)]
    public void An_arena_up_to_the_top_of_its_type_can_be(string type, ulong start, ulong size) => Definition(type, start, size).Check();

    /// <summary>No program could open it: the type has no number for its last value.</summary>
    [Theory]
    [InlineData("Byte", 0, 257, "255")]
    [InlineData("Byte", 200, 100, "255")]
    [InlineData("Byte", 256, 1, "255")]
    [InlineData("UInt16", 49_152, 16_385, "65535")]
    [InlineData("Char", 0, 65_537, "65535")]
    [InlineData("UInt32", 1, 4_294_967_296, "4294967295")]
    [InlineData("UInt64", 2, ulong.MaxValue, "18446744073709551615")]
    public void One_that_reaches_past_the_top_of_its_type_is_refused(string type, ulong start, ulong size, string last)
    {
        LeaseDefinitionException fault = Assert.Throws<LeaseDefinitionException>(Definition(type, start, size).Check);
        Assert.Contains($"reaches past {last}, the last value of {type}", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_leased_arena_is_not_made_past_the_top_of_its_type()
    {
        await using LeaseSession session =
            await LeaseSession.OpenAsync(new InMemoryLeaseStore(), cancellationToken: TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<LeaseDefinitionException>(() => LeasedArena<byte>.OpenAsync(
            session, "slots", new() { Definition = new() { Start = 200, Size = 100 } }, TestContext.Current.CancellationToken));
        Assert.Empty(await session.Store.ListArenasAsync(TestContext.Current.CancellationToken));
    }

    private static LeaseDefinition Definition(string type, ulong start, ulong size) =>
        new() { Start = start, Size = size, Type = type, Quarantine = TimeSpan.FromMinutes(1) };
}
