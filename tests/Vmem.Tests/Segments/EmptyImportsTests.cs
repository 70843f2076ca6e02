using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>The list of empty imports: the latest first, whichever goes, and whatever number its tag has.</summary>
public sealed class EmptyImportsTests : IDisposable
{
    private readonly SegmentMap<uint> _map = new(1);

    public void Dispose() => _map.Dispose();

    [Theory]
    [InlineData(0, 1, 2)]
    [InlineData(0, 2, 1)]
    [InlineData(1, 0, 2)]
    [InlineData(1, 2, 0)]
    [InlineData(2, 0, 1)]
    [InlineData(2, 1, 0)]
    public void Any_may_go_and_come_again(int first, int second, int third)
    {
        uint[] spans = [Import(100), Import(200), Import(300)];
        List<uint> list = [];
        for (int round = 0; round < 2; round++)
        {
            foreach (uint span in spans)
            {
                _map.LinkEmpty(span);
                list.Insert(0, span);
                Check(list);
            }

            foreach (int index in (int[])[first, second, third])
            {
                _map.UnlinkEmpty(spans[index]);
                _ = list.Remove(spans[index]);
                Check(list);
                Assert.True(_map.IsImported(spans[index]));
                Assert.Equal(0u, _map.NextEmpty(spans[index]));
            }
        }

        _map.Validate();
    }

    /// <summary>The tags of the spans are high ones, and there are low ones to which they are moved.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void A_tag_that_is_moved_keeps_its_place(int count)
    {
        _map.ReserveSpan(3_000);
        _ = _map.AddSpan(10_000, 3_000, imported: false);
        uint[] tags = new uint[3_000];
        for (int i = 0; i < tags.Length; i++)
        {
            _map.Reserve();
            tags[i] = _map.TakeGoodFit(1, out _);
        }

        uint added = Import(2_000, isImported: false);
        uint used = Import(3_000);
        List<uint> starts = [];
        for (uint start = 100; starts.Count < count; start += 100)
        {
            _map.LinkEmpty(Import(start));
            starts.Insert(0, start);
        }

        foreach (uint tag in tags)
        {
            _ = _map.Free(tag);
        }

        while (!_map.Trim(mayMove: true, static (_, _) => { }))
        {
        }

        Assert.InRange(_map.TagBound, 1u, 64u);
        Assert.NotEqual(used, SpanAt(3_000));
        Assert.NotEqual(added, SpanAt(2_000));
        Check([.. starts.Select(SpanAt)]);
        Assert.Equal(0u, _map.NextEmpty(SpanAt(3_000)));
        Assert.False(_map.IsImported(SpanAt(2_000)));
        foreach (uint start in starts.ToArray())
        {
            Assert.Equal(new Segment<uint>(start, 10, SegmentKind.Span), _map.GetEmpty(SpanAt(start)));
            _map.UnlinkEmpty(SpanAt(start));
            _ = starts.Remove(start);
            Check([.. starts.Select(SpanAt)]);
        }

        _map.Validate();
    }

    private void Check(List<uint> spans)
    {
        List<uint> found = [];
        for (uint span = _map.FirstEmpty; span != 0; span = _map.NextEmpty(span))
        {
            found.Add(span);
        }

        Assert.Equal(spans, found);
    }

    private uint SpanAt(uint start) => _map.FindSpan(start, out _, out _);

    private uint Import(uint start, bool isImported = true)
    {
        _map.ReserveSpan(10);
        _ = _map.AddSpan(start, 10, isImported);
        return SpanAt(start);
    }
}
