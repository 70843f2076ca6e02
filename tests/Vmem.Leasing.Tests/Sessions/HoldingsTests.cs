using Vmem.Leasing.Sessions;

namespace Vmem.Leasing.Tests.Sessions;

/// <summary>What a session keeps of what it holds, gives back and awaits.</summary>
public sealed class HoldingsTests
{
    private readonly Holdings _holdings = new();
    private readonly Legacy _holder = new();
    private long _fence;

    [Fact]
    public void Of_all_that_goes_back_one_that_is_not_clean_is_enough()
    {
        Holding clean = Hold();
        Holding other = Hold();
        Assert.False(_holdings.HasUncleanReturns);
        Assert.True(_holdings.BeginReturn(clean, new Return(IsClean: true, null)));
        Assert.False(_holdings.HasUncleanReturns);
        Assert.True(_holdings.BeginReturn(other, new Return(IsClean: false, null)));
        Assert.True(_holdings.HasUncleanReturns);
    }

    [Fact]
    public void A_lease_is_given_back_once_and_only_while_it_is_held()
    {
        Holding holding = Hold();
        Return first = new(IsClean: false, null);
        Assert.True(_holdings.BeginReturn(holding, first));
        Assert.False(_holdings.BeginReturn(holding, new Return(IsClean: true, null)));
        Assert.Same(first, holding.Return);
        Holding gone = Hold();
        Assert.True(_holdings.Remove(gone));
        Assert.False(_holdings.Remove(gone));
        Assert.False(_holdings.BeginReturn(gone, first));
        Assert.Null(gone.Return);
    }

    [Fact]
    public void What_is_awaited_is_known_until_it_is_there_or_forgotten()
    {
        LeaseClaim claim = Claim();
        LeaseClaim other = Claim();
        _holdings.Await([Request(claim), Request(other)]);
        Assert.True(_holdings.Knows(claim) && _holdings.Knows(other));
        _holdings.Forget(other.Request);
        Assert.False(_holdings.Knows(other));
        Holding holding = _holdings.Add(new Holding(claim, _holder, null));
        Assert.True(_holdings.Knows(claim));
        Assert.True(_holdings.Remove(holding));
        Assert.False(_holdings.Knows(claim));
    }

    [Fact]
    public void Cleared_it_knows_nothing_any_more()
    {
        Holding holding = Hold();
        LeaseClaim awaited = Claim();
        _holdings.Await([Request(awaited)]);
        Assert.Equal([holding], _holdings.Clear());
        Assert.Equal(0, _holdings.Count);
        Assert.False(_holdings.Knows(holding.Claim) || _holdings.Knows(awaited));
    }

    private Holding Hold() => _holdings.Add(new Holding(Claim(), _holder, null));

    private LeaseClaim Claim() => new(1, Guid.NewGuid(), 0, 1, ++_fence, Guid.NewGuid());

    private static LeaseRequest Request(LeaseClaim claim) => new(claim.Arena, claim.Session, claim.Request, claim.Size);
}
