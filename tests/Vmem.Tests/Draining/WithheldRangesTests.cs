using Vmem.Space;
using Xunit;

namespace Vmem.Tests.Draining;

/// <summary>What drains, what was revoked, and what was so before it came.</summary>
public sealed class WithheldRangesTests
{
    private const int Most = 64;

    private readonly WithheldRanges<uint> _ranges = new();

    private static Segment<uint> Span(uint start, uint size, ulong tag = 0) => new(start, size, SegmentKind.Span) { Tag = tag };

    private void Revoke(uint start, uint size, bool isGone = true) => _ranges.NoteRevoked(Span(start, size), _ => isGone);

    [Fact]
    public void A_range_reaches_from_its_first_value_to_its_last()
    {
        _ranges.SetDrains([Span(100, 10)]);
        Revoke(200, 10);
        Assert.Equal([false, true, true, false], new uint[] { 99, 100, 109, 110 }.Select(_ranges.DrainAt));
        Assert.Equal([false, true, true, false], new uint[] { 199, 200, 209, 210 }.Select(_ranges.IsRevoked));
        Assert.False(_ranges.DrainAt(200) || _ranges.IsRevoked(100));
        Assert.Equal([Span(100, 10)], _ranges.Drains);
        Assert.Equal([Span(100, 10), Span(200, 10)], _ranges.All);
        _ranges.SetDrains([]);
        Assert.Equal([Span(200, 10)], _ranges.All);
        Assert.True(_ranges.HasRevoked && !_ranges.DrainAt(100));
    }

    [Fact]
    public void What_is_revoked_again_is_remembered_once()
    {
        Assert.False(_ranges.HasRevoked);
        Revoke(200, 10);
        Revoke(200, 10);
        _ = Assert.Single(_ranges.All);
    }

    /// <summary>A span comes before it, behind it, in it, around it, or over an end of it.</summary>
    [Theory]
    [InlineData(180u, 20u, false)]
    [InlineData(210u, 20u, false)]
    [InlineData(180u, 21u, true)]
    [InlineData(209u, 20u, true)]
    [InlineData(202u, 3u, true)]
    [InlineData(100u, 300u, true)]
    [InlineData(200u, 10u, true)]
    public void What_was_revoked_is_forgotten_where_another_span_comes(uint start, uint size, bool isForgotten)
    {
        _ranges.SetDrains([Span(1_000, 10)]);
        Revoke(200, 10);
        Revoke(500, 10);
        _ranges.Forget(Span(start, size));
        Assert.Equal(!isForgotten, _ranges.IsRevoked(205));
        Assert.True(_ranges.IsRevoked(505) && _ranges.DrainAt(1_005));
        Assert.Equal(isForgotten ? 2 : 3, _ranges.All.Length);
    }

    [Fact]
    public void The_oldest_that_has_gone_is_forgotten_for_the_sixty_fifth()
    {
        for (uint i = 0; i < Most; i++)
        {
            Revoke(i * 10, 10);
        }

        Assert.Equal(Most, _ranges.All.Length);
        _ranges.NoteRevoked(Span(5_000, 10), gone => gone.Start is 30 or 50);
        Assert.Equal(Most, _ranges.All.Length);
        Assert.False(_ranges.IsRevoked(30));
        Assert.True(_ranges.IsRevoked(50) && _ranges.IsRevoked(0) && _ranges.IsRevoked(5_000));
        Assert.Equal(5_000u, _ranges.All[^1].Start);
        Revoke(6_000, 10, isGone: false);         // none has: all are on their way out
        Assert.Equal(Most + 1, _ranges.All.Length);
        Assert.True(_ranges.IsRevoked(0) && _ranges.IsRevoked(6_000));
    }

    /// <summary>It was revoked when the source had been asked five times: it came of one of these, and not of a later one.</summary>
    [Fact]
    public void What_was_revoked_before_it_came_is_known_by_when_it_was_asked_for()
    {
        _ranges.NoteEarly(Span(100, 10, tag: 5));
        Assert.True(_ranges.IsEarly(Span(100, 10, tag: 5)) && _ranges.IsEarly(Span(100, 10, tag: 1)));
        Assert.False(_ranges.IsEarly(Span(100, 10, tag: 6)));
        Assert.False(_ranges.IsEarly(Span(100, 11, tag: 5)) || _ranges.IsEarly(Span(101, 10, tag: 5)));
        Assert.False(_ranges.HasRevoked);
    }

    [Fact]
    public void Sixty_four_of_these_are_remembered()
    {
        for (uint i = 0; i <= Most; i++)
        {
            _ranges.NoteEarly(Span(i, 1, tag: 1));
        }

        Assert.False(_ranges.IsEarly(Span(0, 1)));
        Assert.True(_ranges.IsEarly(Span(1, 1)) && _ranges.IsEarly(Span(Most, 1)));
    }
}
