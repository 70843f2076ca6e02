using Vmem.Ranges;
using Vmem.Space;
using Xunit;

namespace Vmem.Tests.Arguments;

/// <summary>Which constraints make sense, and when two requests are the same but for who waits.</summary>
public sealed class RequestTests
{
    [Theory]
    [InlineData(FitPolicy.InstantFit, true)]
    [InlineData(FitPolicy.RandomFit, true)]
    [InlineData(FitPolicy.RandomFit + 1, false)]
    [InlineData((FitPolicy)(-1), false)]
    public void A_policy_is_one_of_those_that_there_are(FitPolicy policy, bool isOne)
    {
        Exception? wrong = Record.Exception(() => Request<uint>.CheckPolicy(policy, "which"));
        Assert.Equal(isOne ? null : "which", (wrong as ArgumentOutOfRangeException)?.ParamName);
        Assert.Equal(isOne, wrong is null);
    }

    /// <summary>The quantum is 4. Align 0 is the quantum, NoCross 0 nothing.</summary>
    [Theory]
    [InlineData(4u, 0u, 0u, 0u, null)]
    [InlineData(4u, 4u, 0u, 0u, null)]
    [InlineData(4u, 12u, 8u, 0u, null)]
    [InlineData(4u, 6u, 0u, 0u, "Align must be a multiple of the quantum 4, and 6 is not.")]
    [InlineData(4u, 2u, 0u, 0u, "Align must be a multiple of the quantum 4, and 2 is not.")]
    [InlineData(4u, 8u, 2u, 0u, "Phase must be a multiple of the quantum 4 and less than Align (8), and 2 is not.")]
    [InlineData(4u, 8u, 8u, 0u, "Phase must be a multiple of the quantum 4 and less than Align (8), and 8 is not.")]
    [InlineData(4u, 0u, 4u, 0u, "Phase must be a multiple of the quantum 4 and less than Align (4), and 4 is not.")]
    [InlineData(4u, 0u, 0u, 4u, null)]
    [InlineData(8u, 8u, 0u, 8u, null)]
    [InlineData(4u, 8u, 4u, 8u, null)]
    [InlineData(4u, 8u, 0u, 4u, "NoCross must be a power of two and at least Align (8), and 4 is not.")]
    [InlineData(4u, 4u, 0u, 2u, "NoCross must be a power of two and at least Align (4), and 2 is not.")]
    [InlineData(4u, 4u, 0u, 12u, "NoCross must be a power of two and at least Align (4), and 12 is not.")]
    [InlineData(8u, 8u, 4u, 8u, "8 at phase 4 can never lie between two multiples of NoCross (8).")]
    [InlineData(12u, 8u, 0u, 8u, "12 at phase 0 can never lie between two multiples of NoCross (8).")]
    [InlineData(12u, 8u, 4u, 16u, null)]
    public void Constraints_agree_with_each_other_or_it_is_said_why_not(uint size, uint align, uint phase, uint noCross, string? why)
    {
        RangeConstraints<uint> constraints = new() { Align = align, Phase = phase, NoCross = noCross };
        var wrong = (ArgumentException?)Record.Exception(() => Request<uint>.CheckConstraints(size, constraints, 4));
        Assert.Equal(why is null ? null : $"{why} (Parameter 'constraints')", wrong?.Message);
        Assert.Equal(why is null ? null : "constraints", wrong?.ParamName);
    }

    [Fact]
    public void Requests_are_as_plain_as_each_other_if_nothing_tells_them_apart()
    {
        Placement<uint> any = new(8, default, 1);
        Request<uint> plain = new(any, FitPolicy.BestFit, RequestKind.Range);
        Assert.True(plain.IsAsPlainAs(new Request<uint>(any, FitPolicy.BestFit, RequestKind.Range)));
        Request<uint>[] others =
        [
            new(any, FitPolicy.BestFit),
            new(any, FitPolicy.BestFit, RequestKind.Handle),
            new(any, FitPolicy.FirstFit, RequestKind.Range),
            new(new Placement<uint>(9, default, 1), FitPolicy.BestFit, RequestKind.Range),
            new(new Placement<uint>(8, new RangeConstraints<uint> { Min = 1 }, 1), FitPolicy.BestFit, RequestKind.Range),
            new(any, FitPolicy.BestFit, RequestKind.Range, note: new(1, 0)),
            new(any, FitPolicy.BestFit, RequestKind.Range, site: new(default, default!, 0, null, default)),
        ];
        Assert.All(others, other =>
        {
            Assert.False(plain.IsAsPlainAs(other));
            Assert.False(other.IsAsPlainAs(plain));
        });
    }

    [Fact]
    public void A_grant_of_nothing_has_no_handle()
    {
        Assert.True(default(Grant<uint>).IsEmpty);
        Assert.Equal(default, new Grant<uint>(5, 3, 7).Handle);
        Assert.False(new Grant<uint>(0, 3).IsEmpty);
        Assert.Equal(new RangeHandle<uint>(5, 3, 7, 9), new Grant<uint>(5, 3, 7, 9).Handle);
    }
}
