using Vmem.Leasing.Sessions;
using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Sessions;

/// <summary>A renewal compares what the store has with what is held, and not how much.</summary>
public sealed class RenewedSetTests : IAsyncDisposable
{
    private readonly Fleet _fleet = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _fleet.DisposeAsync();

    /// <summary>One lease is taken away by an operator, and one is granted of which the answer is lost and nobody asks again. Both
    /// between two renewals: there are as many as before.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task R8_what_was_taken_away_is_lost_though_as_many_leases_are_there(bool hasDigests)
    {
        _fleet.Network.HasDigests = hasDigests;
        LeaseSession session = await _fleet.OpenAsync();
        WorkerId kept = await WorkerId.LeaseAsync(session, "workers", 4, Token);
        WorkerId taken = await WorkerId.LeaseAsync(session, "workers", 4, Token);
        LeaseClaim claim = (await _fleet.Memory.GetHeldAsync(session.Instance, Token)).Single(claim => claim.Fence == taken.Fence);
        Assert.True(await _fleet.Memory.ReleaseAsync(claim, clean: false, null, Token));
        LeaseRequest unheard = new(claim.Arena, session.Instance, Guid.CreateVersion7(), 1);
        session.Abandon(unheard);
        Assert.Equal(LeaseVerdict.Granted, (await _fleet.Memory.GrantAsync(unheard, Token)).Verdict);
        _fleet.Pass(0.4);
        await Eventually.HoldsAsync(() => taken.Lost.IsCancellationRequested);
        Assert.Equal((true, false), (kept.IsValid, taken.IsValid));
        await Eventually.HoldsAsync(async () =>
            (await _fleet.Memory.GetHeldAsync(session.Instance, Token)).Select(static claim => claim.Fence).SequenceEqual([kept.Fence]));
        Assert.True(session.IsValid);
    }

    /// <summary>The list is read where the renewal does not say enough, and nowhere else.</summary>
    [Theory]
    [InlineData(true, 2, "renew")]
    [InlineData(false, 2, "renew held")]
    [InlineData(false, 0, "renew")]
    public async Task The_list_is_read_only_if_the_store_does_not_say_what_it_has(bool hasDigests, int workers, string expected)
    {
        _fleet.Network.HasDigests = hasDigests;
        LeaseSession session = await _fleet.OpenAsync();
        for (int i = 0; i < workers; i++)
        {
            await WorkerId.LeaseAsync(session, "workers", 4, Token);
        }

        List<string> calls = _fleet.Network.Record();
        _fleet.Pass(0.34);
        Assert.Equal(expected, string.Join(' ', calls));
        Assert.True(session.IsValid);
    }

    [Fact]
    public void A_digest_is_of_the_last_12_digits_whatever_their_order()
    {
        Guid one = new("ffffffff-ffff-ffff-ffff-000000000005");
        Guid two = new("00000000-0000-7000-8000-fffffffffffe");
        Assert.Equal(0, LeaseRenewal.DigestOf([]));
        Assert.Equal(5, LeaseRenewal.DigestOf([one]));
        Assert.Equal(0xFFFF_FFFF_FFFE, LeaseRenewal.DigestOf([two]));
        Assert.Equal(3, LeaseRenewal.DigestOf([one, two]));
        Assert.Equal(3, LeaseRenewal.DigestOf([two, one]));
        Assert.Throws<ArgumentNullException>(static () => LeaseRenewal.DigestOf(null!));
    }
}
