using System.Numerics;
using Vmem.Segments;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>The free lists against a list of segments: short ones, long ones that are divided, and such as become short again.</summary>
public sealed unsafe class FreeListsTests
{
    [Fact]
    public void Every_question_is_answered_as_a_look_at_each_segment_does()
    {
        Run<ulong>(1, shift: 0);
        Run<ulong>(2, shift: 4);
        Run<uint>(3, shift: 0);
        Run<UInt128>(4, shift: 0);
    }

    [Theory]
    [InlineData(32, true)]
    [InlineData(33, false)]
    public void Best_fit_looks_at_so_many(int count, bool isKnown)
    {
        using Compared<ulong> compared = new(0);
        for (int i = 0; i < count; i++)
        {
            compared.Push(5);
        }

        Assert.Equal(isKnown, compared.TryFindBest(5, out _));
    }

    private static void Run<T>(ulong seed, int shift)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        SeededRandom random = new(seed);
        using Compared<T> compared = new(shift);
        for (int step = 0; step < 2_400; step++)
        {
            int share = (step / 400) switch { 0 => 5, 1 => 9, 3 => 8, 5 => 0, _ => 3 };
            if (random.Below(10) < share && compared.Count < 300)
            {
                compared.Push(Size(random, step));
            }
            else if (compared.Count > 0)
            {
                compared.Take(random);
            }

            compared.Ask(Size(random, step) + random.Below(3) - 1);
            if (step % 20 == 0)
            {
                compared.Validate();
            }
        }

        compared.Empty();
    }

    /// <summary>Few sizes of a list each, and many of two wide ones, whose members differ in 5 and in 10 bits.</summary>
    private static int Size(SeededRandom random, int step) => random.Below(8) switch
    {
        0 => 1 + random.Below(140),
        1 => 1 << random.Below(20),
        < 5 => 2_048 + random.Below(step / 400 % 2 == 0 ? 32 : 3),
        _ => 65_536 + random.Below(1_024),
    };

    private sealed class Compared<T>(int shift) : IDisposable
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        private readonly List<(int Start, int Size, uint Tag)> _segments = [];
        private TagPool<T> _tags;
        private FreeLists<T> _lists = new(shift);
        private int _start = 7;

        public int Count => _segments.Count;

        public void Dispose()
        {
            _lists.Release();
            _tags.Release();
        }

        /// <summary>The end of a segment is where the tag behind it starts.</summary>
        public void Push(int size)
        {
            while (!_tags.HasReserved(2))
            {
                _lists.EnsurePlaces(_tags.NextMost);
                _tags.Grow();
                _lists.EnsureReach(Of(1 << 21) >> shift, _tags.Most);
            }

            (uint index, uint end) = (_tags.Take(), _tags.Take());
            _start = (_start * 31 % 1_009) + (_segments.Count % 2);
            (_tags.At(index)->Start, _tags.At(end)->Start) = (Of(_start), Of(_start) + Of(size));
            _tags.At(index)->Place(end, end, TagKind.Free);
            _tags.At(end)->Place(index, index, TagKind.Allocated);
            _lists.Push(_tags, index, _tags.At(index), SizeClass.Of(T.CreateChecked(size)), inOrder: false);
            _segments.Add((_start, size, index));
        }

        /// <summary>By its tag, or from the first list at or above some size.</summary>
        public void Take(SeededRandom random)
        {
            (_, int size, uint tag) = _segments[random.Below(Count)];
            int list = SizeClass.Of(T.CreateChecked(size));
            if (random.Below(2) == 0)
            {
                _lists.Remove(_tags, _tags.At(tag), list);
            }
            else
            {
                int from = Math.Max(1, list - random.Below(30));
                int first = _segments.Select(ListOf).Where(other => other >= from).Min();
                tag = _lists.Pop(_tags, from);
                Assert.Equal(first, ListOf(_segments.Single(segment => segment.Tag == tag)));
                Assert.True(first >= SizeClass.FirstWide || tag == _segments.Last(segment => ListOf(segment) == first).Tag);
            }

            _segments.RemoveAll(segment => segment.Tag == tag);
            _tags.Return(_tags.At(tag)->Next);
            _tags.Return(tag);
        }

        public void Ask(int size)
        {
            size = Math.Max(1, size);
            if (_tags.Most == 0)
            {
                return;
            }

            int own = SizeClass.Of(T.CreateChecked(size));
            Assert.Equal(_segments.Select(ListOf).DefaultIfEmpty(-1).Max(), _lists.FindHighest());
            Assert.Equal(_segments.Select(ListOf).Where(list => list >= own).DefaultIfEmpty(-1).Min(), _lists.FindNotEmpty(own));
            Assert.Equal(Of(_segments.Select(segment => segment.Size).DefaultIfEmpty().Max()), _lists.LargestSize(_tags));
            Assert.True(_lists.TryCountLongEnough(_tags, Of(size), Count, out long count));
            Assert.Equal(_segments.Count(segment => segment.Size >= size), count);

            uint found = _lists.FindLongEnough(_tags, own, Of(size));
            Assert.Equal(_segments.Exists(segment => ListOf(segment) == own && segment.Size >= size), found != 0);
            Assert.True(found == 0 || _segments.Exists(segment => segment.Tag == found && ListOf(segment) == own && segment.Size >= size));

            (int Start, int Size, uint Tag) best =
                _segments.Where(segment => segment.Size >= size).OrderBy(segment => (segment.Size, segment.Start)).FirstOrDefault();
            bool isKnown = TryFindBest(size, out uint tag);
            Assert.True(isKnown || Count > 16, "A short list is looked through.");
            if (isKnown)
            {
                Assert.Equal((best.Start, best.Size), tag == 0 ? default : (StartAt(tag), SizeAt(tag)));
            }

            if (own < SizeClass.FirstWide && found != 0)
            {
                int lowest = _segments.Where(segment => segment.Size == size).Min(segment => segment.Start);
                Assert.Equal(lowest, StartAt(_lists.Lowest(_tags, own)));
            }
        }

        public bool TryFindBest(int size, out uint tag) => _lists.TryFindBest(_tags, Of(size), T.CreateChecked(size), out tag);

        public void Validate() => Assert.Equal(Count, _lists.Validate(_tags));

        public void Empty()
        {
            for (uint tag = _lists.Pop(_tags, 1); tag != 0; tag = _lists.Pop(_tags, 1))
            {
                Assert.Equal(1, _segments.RemoveAll(segment => segment.Tag == tag));
            }

            Assert.Equal(0, Count);
            Validate();
        }

        private int StartAt(uint tag) => int.CreateChecked(_tags.At(tag)->Start >> shift);

        private int SizeAt(uint tag) => _segments.Single(segment => segment.Tag == tag).Size;

        private T Of(int units) => T.CreateChecked(units) << shift;

        private static int ListOf((int Start, int Size, uint Tag) segment) => SizeClass.Of((uint)segment.Size);
    }
}
