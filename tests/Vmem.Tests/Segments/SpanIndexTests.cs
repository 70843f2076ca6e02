using Vmem.Checks;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>The spans by address: without a tree as long as there is one, and in a tree from the second on.</summary>
public sealed class SpanIndexTests
{
    private SpanIndex<uint> _spans;

    [Fact]
    public void One_span_needs_no_memory_and_the_second_a_tree()
    {
        Check([]);
        Add(100, 50, 7);
        Check([(100, 50, 7)]);
        Assert.Equal(0, _spans.Bytes);
        Add(300, 20, 8);
        Assert.True(_spans.Bytes > 0);
        Check([(100, 50, 7), (300, 20, 8)]);
        _spans.Shrink();
        Check([(100, 50, 7), (300, 20, 8)]);
        Add(0, 100, 9);
        Check([(0, 100, 9), (100, 50, 7), (300, 20, 8)]);
        _spans.Remove(100, 50);
        _spans.Remove(0, 100);
        Check([(300, 20, 8)]);
        _spans.Shrink();
        Assert.Equal(0, _spans.Bytes);
        Check([(300, 20, 8)]);
        _spans.Remove(300, 20);
        Check([]);
        _spans.Release();
    }

    [Fact]
    public void An_empty_tree_goes()
    {
        Add(100, 50, 7);
        Add(300, 20, 8);
        _spans.Remove(100, 50);
        _spans.Remove(300, 20);
        Check([]);
        _spans.Shrink();
        Assert.Equal(0, _spans.Bytes);
        Check([]);
    }

    [Fact]
    public void Spans_change_their_size_and_their_tag()
    {
        Add(100, 50, 7);
        _spans.Resize(100, 50, 60, 7);
        _spans.Move(100, 60, 5);
        Check([(100, 60, 5)]);
        Add(160, 40, 8);
        _spans.Resize(160, 40, 90, 8);
        _spans.Move(100, 60, 6);
        Check([(100, 60, 6), (160, 90, 8)]);
        _spans.Join(100, 60, 160, 90, 4);
        Check([(100, 150, 4)]);
        _spans.Release();
        Assert.Equal((0L, 0L), (_spans.Count, _spans.Bytes));
    }

    [Fact]
    public void The_whole_of_the_type_has_no_size()
    {
        Add(0, 1u << 31, 7);
        Add(1u << 31, 1u << 31, 8);
        _spans.SetWhole(3);
        Assert.Equal((1L, 0L, uint.MaxValue), (_spans.Count, _spans.Bytes, _spans.LargestSize));
        Assert.Equal(3u, _spans.FindFirst(0, 500, out uint start, out uint size));
        Assert.Equal((0u, 0u), (start, size));
        Assert.Equal(3u, _spans.FindLast(uint.MaxValue, out _, out _));
        Assert.Equal(0u, _spans.FindFirst(1, 0, out _, out _));
        List<(uint, uint, uint)> visited = [];
        _spans.Validate((start, size, tag) => visited.Add((start, size, tag)));
        Assert.Equal((0u, 0u, 3u), Assert.Single(visited));
    }

    [Fact]
    public void Without_memory_for_the_tree_nothing_changes()
    {
        Add(100, 50, 7);
        using (GrowthFault.Inject(static () => true))
        {
            Assert.Throws<InsufficientMemoryException>(_spans.Reserve);
        }

        Check([(100, 50, 7)]);
        Add(300, 20, 8);
        Check([(100, 50, 7), (300, 20, 8)]);
        _spans.Release();
        Check([]);
    }

    /// <summary>A leaf of the tree has 32.</summary>
    [Fact]
    public void Many_spans_have_room_made_for_each()
    {
        List<(uint, uint, uint)> expected = [];
        for (uint number = 0; number < 150; number++)
        {
            Add(number * 3, 2, number + 1);
            expected.Add((number * 3, 2, number + 1));
        }

        Check([.. expected]);
        _spans.Release();
    }

    private void Add(uint start, uint size, uint tag)
    {
        _spans.Reserve();
        _spans.Add(start, size, tag);
    }

    private void Check((uint Start, uint Size, uint Tag)[] expected)
    {
        Assert.Equal(expected.Length, _spans.Count);
        Assert.Equal(expected.Select(span => span.Size).DefaultIfEmpty().Max(), _spans.LargestSize);
        List<(uint, uint, uint)> visited = [];
        _spans.Validate((start, size, tag) => visited.Add((start, size, tag)));
        Assert.Equal(expected, visited);
        for (uint value = 0; value < 400; value += 5)
        {
            (uint Start, uint Size, uint Tag) last = expected.LastOrDefault(span => span.Start <= value);
            (uint Start, uint Size, uint Tag) first = expected.FirstOrDefault(span => span.Start >= value && span.Size >= value);
            uint found = _spans.FindLast(value, out uint start, out uint size);
            Assert.Equal(last, found == 0 ? default : (start, size, found));
            found = _spans.FindFirst(value, value, out start, out size);
            Assert.Equal(first, found == 0 ? default : (start, size, found));
        }
    }
}
