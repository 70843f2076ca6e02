using Vmem.Checks;
using Vmem.Space;
using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>What a stay under the lock leaves to be done.</summary>
public sealed class AftermathTests
{
    [Fact]
    public void Anything_that_is_left_is_something()
    {
        Assert.True(default(Aftermath<uint>).IsNothing);
        Assert.True(new Aftermath<uint> { MayImport = true }.IsNothing);
        Assert.False(new Aftermath<uint> { HasRoomCome = true }.IsNothing);
        Assert.False(new Aftermath<uint> { HasRoomGone = true }.IsNothing);
        Assert.False(new Aftermath<uint> { Granted = new Granted() }.IsNothing);
        Aftermath<uint> aftermath = default;
        Assert.False(aftermath.HasSpans);
        aftermath.Release(new Segment<uint>(0, 10, SegmentKind.Span));
        Assert.True(aftermath.HasSpans && !aftermath.IsNothing);
    }

    /// <summary>The source throws at each: all go back, in the order in which they came, and the first exception is told.</summary>
    [Theory]
    [InlineData(0, 0u)]
    [InlineData(1, 10u)]
    [InlineData(2, 30u)]
    [InlineData(4, 100u)]
    public void All_spans_go_back_whatever_the_source_throws(int spans, uint total)
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 0u);
        List<(uint, uint)> released = [];
        Aftermath<uint> aftermath = default;
        for (uint i = 1; i <= spans; i++)
        {
            Assert.True(source.TryImport(10 * i, default, out uint start, out uint size));
            aftermath.Release(new Segment<uint>(start, size, SegmentKind.Span));
        }

        (uint, uint)[] given = [.. source.Outstanding];
        source.OnRelease = (start, size) =>
        {
            released.Add((start, size));
            throw new TimeZoneNotFoundException($"{start}");
        };
        Conclusion end = default;
        Assert.Equal(total, aftermath.ReleaseSpans("arena", source, ref end));
        Assert.Equal(given, released);
        Exception? thrown = Record.Exception(end.Throw);
        Assert.Equal(spans == 0 ? null : "0", thrown?.Message);
    }

    /// <summary>Of each the first.</summary>
    [Fact]
    public void A_fault_of_the_library_counts_more_than_what_others_threw_before()
    {
        Conclusion end = default;
        end.Take(static () => throw new TimeZoneNotFoundException());
        end.ThrowOwnFault();
        end.Take(static () => throw new InvariantViolationException("one", "first"));
        end.Take(static () => throw new InvariantViolationException("two", "second"));
        end.Take(static () => throw new TimeZoneNotFoundException());
        Assert.Contains("first", Assert.Throws<InvariantViolationException>(end.ThrowOwnFault).Message, StringComparison.Ordinal);
        Assert.Contains("first", Assert.Throws<InvariantViolationException>(end.Throw).Message, StringComparison.Ordinal);
    }

    private sealed class Granted : IGranted
    {
        public void Complete()
        {
        }
    }
}
