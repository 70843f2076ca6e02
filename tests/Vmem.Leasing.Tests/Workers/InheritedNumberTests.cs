using Vmem.Leasing.Tests.Fakes;

namespace Vmem.Leasing.Tests.Workers;

/// <summary>Numbers that the last session of a name left.</summary>
public sealed class InheritedNumberTests : IAsyncDisposable
{
    private const int Bits = 2;

    private readonly Fleet _fleet = new();
    private readonly List<LeaseClaim> _claims = [];
    private LeaseArena? _arena;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _fleet.DisposeAsync();

    [Fact]
    public async Task The_lowest_is_taken_with_its_fence_and_what_was_marked()
    {
        await using LeaseSession session = await OpenAsync(numbers: 2);
        await _fleet.Memory.MarkAsync(_claims[0], 77, Token);
        List<string> calls = _fleet.Network.Record();
        WorkerId first = await LeaseAsync(session);
        WorkerId second = await LeaseAsync(session);
        Assert.Equal((0, _claims[0].Fence, (long?)77), (first.Value, first.Fence, first.Watermark));
        Assert.Equal((1, _claims[1].Fence, (long?)null), (second.Value, second.Fence, second.Watermark));
        Assert.True(first.IsValid && second.IsValid);
        Assert.DoesNotContain("grant", calls);
        WorkerId third = await LeaseAsync(session);
        Assert.Equal(2, third.Value);
    }

    /// <summary>A failover forgot it, and gave the same number to another.</summary>
    [Fact]
    public async Task One_that_the_store_does_not_know_is_lost()
    {
        await using LeaseSession session = await OpenAsync(numbers: 1);
        await _fleet.Memory.ReleaseAsync(_claims[0], clean: true, null, Token);
        LeaseSession other = await _fleet.OpenOtherAsync();
        WorkerId theirs = await LeaseAsync(other);
        LeaseLostException fault = await Assert.ThrowsAsync<LeaseLostException>(() => LeaseAsync(session));
        Assert.Contains($"The worker ID {theirs.Value} of 'workers' is lost", fault.Message, StringComparison.Ordinal);
        Assert.Equal(1, (await LeaseAsync(session)).Value);
        Assert.True(theirs.IsValid);
    }

    [Fact]
    public async Task If_the_store_fails_the_next_attempt_inherits_it()
    {
        await using LeaseSession session = await OpenAsync(numbers: 1);
        _fleet.Network.Fate = static name => name == "list" ? CallFate.Fails : CallFate.Answered;
        await Assert.ThrowsAsync<IOException>(() => LeaseAsync(session));
        _fleet.Mend();
        WorkerId worker = await LeaseAsync(session);
        Assert.Equal((0, _claims[0].Fence), (worker.Value, worker.Fence));
    }

    /// <summary>Lost with its session while the store was asked what it knows, it stays lost: that the store knows nothing of it makes no
    /// difference.</summary>
    [Fact]
    public async Task One_whose_session_is_lost_meanwhile_is_lost()
    {
        await using LeaseSession session = await OpenAsync(numbers: 1);
        _fleet.Time.Advance(Fleet.Ttl / 6);
        _fleet.Network.Fate = name =>
        {
            if (name == "list")
            {
                Assert.True(_fleet.Memory.CloseSessionAsync(session.Instance, clean: true, Token).AsTask().IsCompletedSuccessfully);
                _fleet.Time.Advance(Fleet.Ttl / 4);
            }

            return CallFate.Answered;
        };
        await Assert.ThrowsAsync<LeaseLostException>(() => LeaseAsync(session));
        Assert.Equal(LeaseState.Lost, session.State);
    }

    private async Task<LeaseSession> OpenAsync(int numbers)
    {
        LeaseDefinition definition = new() { Start = 0, Size = 1 << Bits, Type = nameof(UInt32), Quarantine = Fleet.Ttl };
        _arena = await _fleet.Memory.EnsureArenaAsync("workers", definition, Token);
        _fleet.Network.Legacy = async session =>
        {
            for (int i = 0; i < numbers; i++)
            {
                LeaseAnswer answer = await _fleet.Memory.GrantAsync(new LeaseRequest(_arena.Id, session, Guid.NewGuid(), 1), Token);
                _claims.Add(answer.Claim!);
            }

            return [.. _claims];
        };
        return await LeaseSession.OpenAsync(_fleet.Network, _fleet.Options with { Name = "service" }, Token);
    }

    private static Task<WorkerId> LeaseAsync(LeaseSession session) => WorkerId.LeaseAsync(session, "workers", Bits, Token);
}
