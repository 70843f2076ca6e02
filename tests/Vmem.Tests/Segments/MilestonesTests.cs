using Vmem.Checks;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>A walk leaves a milestone at every sixteenth segment. The next one begins at the last that is still true.</summary>
public sealed unsafe class MilestonesTests : IDisposable
{
    private const uint Length = 10;

    private TagPool<uint> _tags;
    private Milestones<uint> _milestones;

    public void Dispose()
    {
        _milestones.Release();
        _tags.Release();
    }

    [Theory]
    [InlineData(0u, false)]
    [InlineData(15u, false)]
    [InlineData(16u, true)]
    [InlineData(31u, true)]
    [InlineData(32u, true)]
    [InlineData(100u, true)]
    public void The_second_walk_begins_at_the_last_milestone(uint segment, bool isAny)
    {
        Ring(200);
        Walk(segment);
        Assert.Equal(isAny, _milestones.Bytes > 0);
        Assert.Equal((segment % 16) + (isAny ? 1 : 0), Steps(() => Walk(segment)));
        Assert.Equal((segment % 16) + (isAny ? 1 : 0), Steps(() => Walk(segment)));
    }

    /// <summary>One search of a tree that is one leaf, and the last steps.</summary>
    [Fact]
    public void A_walk_from_behind_the_last_milestone_begins_where_it_is()
    {
        Ring(200);
        Walk(100);
        Assert.Equal(1 + 2, Steps(() => Walk(100, from: 98)));
        Assert.Equal(1 + 4, Steps(() => Walk(100, from: 96)));
        Assert.Equal(1 + 4, Steps(() => Walk(100, from: 95)));
        Assert.Equal(1, Steps(() => Walk(100, from: 100)));
    }

    [Theory]
    [InlineData(16L, new uint[] { 16, 32, 48, 64, 80, 96 })]
    [InlineData(17L, new uint[] { 32, 64, 96 })]
    [InlineData(32L, new uint[] { 32, 64, 96 })]
    [InlineData(33L, new uint[] { 48, 96 })]
    [InlineData(96L, new uint[] { 96 })]
    [InlineData(97L, new uint[] { })]
    public void A_long_walk_is_made_in_turns(long steps, uint[] stops)
    {
        Ring(200);
        foreach (uint stop in stops)
        {
            uint index = Tag(0);
            Assert.False(_milestones.TryWalk(_tags, ref index, 100 * Length, steps));
            Assert.Equal(Tag(stop), index);
        }

        uint last = Tag(0);
        Assert.True(_milestones.TryWalk(_tags, ref last, 100 * Length, steps));
        Assert.Equal(Tag(100), last);
    }

    /// <summary>The segments have other starts now, so that none of the six is true.</summary>
    [Fact]
    public void False_milestones_go_each_for_a_step()
    {
        Ring(200);
        Walk(100);
        Shift(200, by: 3);
        uint index = Tag(0);
        Assert.False(_milestones.TryWalk(_tags, ref index, 1_003, 5));
        Assert.Equal(Tag(0), index);
        Assert.True(_milestones.TryWalk(_tags, ref index, 1_003, 120));
        Assert.Equal(Tag(100), index);
        Assert.Equal(1 + 4, Steps(() => Walk(100, shift: 3)));
    }

    /// <summary>The six take a step each, and 32 are left.</summary>
    [Fact]
    public void What_false_milestones_took_is_not_walked()
    {
        Ring(200);
        Walk(100);
        Shift(200, by: 3);
        uint index = Tag(0);
        Assert.False(_milestones.TryWalk(_tags, ref index, 1_003, 38));
        Assert.Equal(Tag(32), index);
    }

    [Fact]
    public void A_milestone_is_true_as_long_as_its_tag_is_that_of_a_segment()
    {
        Ring(200);
        Walk(100);
        _tags.At(Tag(96))->Kind = TagKind.Free;
        Assert.Equal(1 + 4, Steps(() => Walk(100)));
        Unlink(96, TagKind.Unused);
        Assert.Equal(2 + 19 + 1, Steps(() => Walk(100)));     // two searches; at 97 one was left
        Assert.Equal(1 + 3, Steps(() => Walk(100)));
        Unlink(97, TagKind.Span);
        Assert.Equal(2 + 18 + 1, Steps(() => Walk(100)));
        Assert.Equal(1 + 2, Steps(() => Walk(100)));
    }

    /// <summary>There are 1,249, and the tags in use account for 1,024 and an eighth of them.</summary>
    [Fact]
    public void When_most_of_them_must_be_false_all_go()
    {
        Ring(20_000);
        Walk(19_999);
        long bytes = _milestones.Bytes;
        for (uint segment = 200; segment < 20_000; segment++)
        {
            _tags.Return(Tag(segment));
        }

        End(200);
        Walk(100);
        Assert.Equal(bytes, _milestones.Bytes);
        Shift(200, by: 3);
        Walk(17, shift: 3);
        Assert.InRange(_milestones.Bytes, 1, 4_096);
        Assert.Equal(1 + 1, Steps(() => Walk(17, shift: 3)));
    }

    [Fact]
    public void Without_memory_it_walks_all_the_way_and_leaves_none()
    {
        Ring(200);
        using (GrowthFault.Inject(static () => true))
        {
            uint index = Tag(0);
            Assert.True(_milestones.TryWalk(_tags, ref index, 100 * Length, 16));
            Assert.Equal((Tag(100), 0L), (index, _milestones.Bytes));
        }

        uint next = Tag(0);
        Assert.False(_milestones.TryWalk(_tags, ref next, 100 * Length, 16));
        Assert.Equal(Tag(16), next);
        _milestones.Release();
        Assert.Equal(0, _milestones.Bytes);
        Assert.Equal(100 + 5, Steps(() => Walk(100)));        // the first of six comes into an empty tree
    }

    /// <summary>The tag of the span is number 1, and that of each segment the next.</summary>
    private void Ring(uint segments)
    {
        while (!_tags.HasReserved(segments + 1))
        {
            _tags.Grow();
        }

        uint span = _tags.Take();
        for (uint segment = 0; segment < segments; segment++)
        {
            uint index = _tags.Take();
            Assert.Equal(Tag(segment), index);
            _tags.At(index)->Start = segment * Length;
            _tags.At(index)->Place(index - 1, segment + 1 == segments ? span : index + 1, TagKind.Allocated);
        }

        _tags.At(span)->Start = segments * Length;
        _tags.At(span)->Place(Tag(segments - 1), Tag(0), TagKind.Span);
    }

    private static uint Tag(uint segment) => segment + 2;

    /// <summary>There are only so many segments from now on.</summary>
    private void End(uint segments)
    {
        _tags.At(Tag(segments - 1))->Next = 1;
        _tags.At(1)->Start = segments * Length;
        _tags.At(1)->Previous = Tag(segments - 1);
    }

    private void Shift(uint segments, uint by)
    {
        for (uint segment = 1; segment < segments; segment++)
        {
            _tags.At(Tag(segment))->Start += by;
        }
    }

    /// <summary>A segment becomes a part of the one before.</summary>
    private void Unlink(uint segment, TagKind kind)
    {
        (uint before, uint behind) = (_tags.At(Tag(segment))->Previous, _tags.At(Tag(segment))->Next);
        _tags.At(before)->Next = behind;
        _tags.At(behind)->Previous = before;
        _tags.At(Tag(segment))->Kind = kind;
    }

    private void Walk(uint segment, uint from = 0, uint shift = 0)
    {
        uint index = Tag(from);
        Assert.True(_milestones.TryWalk(_tags, ref index, (segment * Length) + shift, long.MaxValue));
        Assert.Equal(Tag(segment), index);
    }

    private static long Steps(Action action)
    {
        _ = StepCounter.Take();
        action();
        return StepCounter.Take();
    }
}
