using Vmem.Memory.Heap;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>The count of calls that reach below a heap's magazines.</summary>
public class SlowCallsTests
{
    [Fact]
    public void A_call_is_under_way_until_it_ends()
    {
        SlowCalls calls = default;
        Assert.True(calls.NoneUnderWay);
        Assert.True(calls.TryBegin() && !calls.NoneUnderWay);
        Assert.True(calls.TryBegin());
        calls.End();
        Assert.False(calls.NoneUnderWay);
        calls.End();
        Assert.True(calls.NoneUnderWay);
    }

    /// <summary>The thousandth is counted still, and ends the count: a heap that was used so much is not used again.</summary>
    [Fact]
    public void After_a_thousand_calls_none_is_counted_any_more()
    {
        SlowCalls calls = default;
        for (int i = 1; i < 1_000; i++)
        {
            Assert.True(calls.TryBegin());
            calls.End();
            Assert.True(calls.NoneUnderWay);
        }

        Assert.True(calls.TryBegin());
        calls.End();
        Assert.False(calls.NoneUnderWay || calls.TryBegin() || calls.NoneUnderWay);
    }
}
