using System.Numerics;
using Vmem.Segments;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>The trees of sizes alone, beside their free lists: sizes that many have, sizes that few have, and large ones.</summary>
public sealed unsafe class SizeTreesModelTests
{
    [Fact]
    public void The_lowest_of_the_smallest_is_found()
    {
        new Compared<ulong>(1, shift: 0).Run();
        new Compared<uint>(2, shift: 3).Run();
        new Compared<UInt128>(3, shift: 0).Run();
    }

    /// <summary>25 of one size have a tree, and 6 have none any more.</summary>
    [Fact]
    public void A_size_has_a_tree_from_25_on_and_none_from_6_down()
    {
        Compared<ulong> compared = new(4, shift: 0);
        compared.Begin();
        for (int count = 1; count <= 25; count++)
        {
            Assert.Equal(count == 25 ? 5 : 0, compared.Add(5));
        }

        long bytes = compared.Bytes;
        Assert.Equal((0, 25L), (compared.Grown, compared.Count));
        for (int count = 24; count >= 5; count--)
        {
            compared.Remove(0);
            Assert.Equal(count, compared.Count);
            compared.Validate();
        }

        for (int count = 6; count <= 25; count++)
        {
            Assert.Equal(count == 25 ? 5 : 0, compared.Add(5));
        }

        Assert.Equal(bytes, compared.Bytes);
        compared.Release();
    }

    [Fact]
    public void What_a_step_before_has_noted_takes_memory_until_all_are_known()
    {
        Compared<ulong> compared = new(5, shift: 0);
        long bytes = compared.Bytes;
        compared.Begin();
        Assert.Equal(SizeClass.FirstWide * SizeTrees<ulong>.Long * sizeof(uint), bytes - compared.Bytes);
        compared.Release();
    }

    private sealed class Compared<T>(ulong seed, int shift)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        private readonly SeededRandom _random = new(seed);
        private readonly SizeTrees<T> _trees = new(shift);
        private readonly List<(int Start, int Size, uint Tag, bool IsKnown)> _segments = [];
        private TagPool<T> _tags;
        private FreeLists<T> _lists = new(shift);
        private int _next;

        public long Count => _trees.Count;

        public int Grown => _trees.Grown;

        public long Bytes => _trees.Bytes;

        public void Begin() => _trees.UseLists();

        public void Run()
        {
            for (int step = 0; step < 1_500; step++)
            {
                int share = (step / 250) switch { 0 or 2 => 8, 4 => 1, _ => 5 };
                bool isEarly = step < 400;
                if (_random.Below(10) < share || _segments.Count == 0)
                {
                    _ = Add(Size(), isKnown: !isEarly || _random.Below(3) != 0);
                }
                else if (_random.Below(3) == 0)
                {
                    Replace(_random.Below(_segments.Count));
                }
                else
                {
                    Remove(_random.Below(_segments.Count));
                }

                if (step == 399)
                {
                    KnowAll();
                }

                if (!isEarly)
                {
                    Find(Size());
                }

                if (step % 10 == 0)
                {
                    Validate();
                }
            }

            while (_segments.Count > 0)
            {
                Remove(_segments.Count - 1);
            }

            Validate();
            Find(1);
            Release();
        }

        /// <returns>The size that was about to get a tree.</returns>
        public int Add(int size, bool isKnown = true)
        {
            while (!_tags.HasReserved(2))
            {
                _lists.EnsurePlaces(_tags.NextMost);
                _tags.Grow();
                _lists.EnsureReach(T.CreateChecked(1 << 12), _tags.Most);
            }

            (uint index, uint end) = (_tags.Take(), _tags.Take());
            _tags.At(index)->Place(end, end, TagKind.Free);
            _tags.At(end)->Place(index, index, TagKind.Allocated);
            int start = NextStart();
            Put(index, start, size);
            _segments.Add((start, size, index, isKnown));
            _trees.Reserve(2);
            Assert.True(_trees.HasReserved(2));
            if (isKnown)
            {
                _trees.Add(Of(start), Of(size), index);
            }

            return Plant(index);
        }

        public void Remove(int index)
        {
            (int start, int size, uint tag, bool isKnown) = _segments[index];
            _segments.RemoveAt(index);
            _lists.Remove(_tags, _tags.At(tag), SizeClass.Of(T.CreateChecked(size)));
            if (isKnown)
            {
                _trees.Remove(Of(start), Of(size), tag);
            }

            _tags.Return(_tags.At(tag)->Next);
            _tags.Return(tag);
        }

        public void Validate()
        {
            _trees.Validate(_tags, tag => _segments.Find(segment => segment.Tag == tag).IsKnown);
            Assert.Equal(_segments.Count(segment => segment.IsKnown), _trees.Count);
        }

        public void Release()
        {
            _trees.Release();
            _lists.Release();
            _tags.Release();
        }

        /// <summary>Another start, another size, or both.</summary>
        private void Replace(int index)
        {
            (int start, int size, uint tag, bool isKnown) = _segments[index];
            (int newStart, int newSize) = (_random.Below(2) == 0 ? start : NextStart(), _random.Below(3) == 0 ? size : Size());
            _lists.Remove(_tags, _tags.At(tag), SizeClass.Of(T.CreateChecked(size)));
            Put(tag, newStart, newSize);
            _segments[index] = (newStart, newSize, tag, isKnown);
            _trees.Reserve(2);
            if (isKnown)
            {
                _trees.Replace(Of(start), Of(size), tag, Of(newStart), Of(newSize), tag);
            }

            _ = Plant(tag);
        }

        private void KnowAll()
        {
            for (int i = 0; i < _segments.Count; i++)
            {
                (int start, int size, uint tag, bool isKnown) = _segments[i];
                _segments[i] = (start, size, tag, true);
                if (!isKnown)
                {
                    _trees.Reserve(2);
                    _trees.Add(Of(start), Of(size), tag);
                    _ = Plant(tag);
                }
            }

            _trees.UseLists();
            Validate();
        }

        private void Find(int size)
        {
            (int Start, int Size, uint Tag, bool) best = _segments.Where(segment => segment.Size >= size)
                .OrderBy(segment => (segment.Size, segment.Start)).FirstOrDefault();
            Assert.Equal(best.Tag, _trees.Find(_tags, _lists, Of(size), T.CreateChecked(size), out T start));
            Assert.Equal(Of(best.Start), start);
        }

        private void Put(uint tag, int start, int size)
        {
            _tags.At(tag)->Start = Of(start);
            _tags.At(_tags.At(tag)->Next)->Start = Of(start + size);
            _lists.Push(_tags, tag, _tags.At(tag), SizeClass.Of(T.CreateChecked(size)), inOrder: false);
        }

        private int Plant(uint tag)
        {
            int grown = _trees.Grown;
            if (grown != 0)
            {
                _trees.Plant(_tags, _lists, tag);
            }

            return grown;
        }

        /// <summary>Unlike all others.</summary>
        private int NextStart() => _next++ * 2_477 % 100_003;

        /// <summary>Two sizes that many have, many that few have, the last small and the first large one, and others.</summary>
        private int Size() => _random.Below(8) switch
        {
            0 => 1 + _random.Below(SizeClass.FirstWide - 1),
            1 => SizeClass.FirstWide - 1 + _random.Below(2),
            2 => SizeClass.FirstWide + _random.Below(1_000),
            < 6 => 3,
            _ => 40,
        };

        private T Of(int units) => T.CreateChecked(units) << shift;
    }
}
