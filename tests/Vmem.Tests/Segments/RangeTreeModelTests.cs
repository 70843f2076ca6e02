using System.Numerics;
using Vmem.Segments;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>The tree against a sorted list: every search and every change, in all orders that have values.</summary>
public sealed class RangeTreeModelTests
{
    private const int Align = 16;

    [Fact]
    public void By_key_it_holds_and_finds_what_a_sorted_list_does()
    {
        Run<ulong, ByKey<ulong>>(1, 5_000, TreeExtras.None);
        Run<uint, ByKey<uint>>(2, 5_000, TreeExtras.Bounds);
        Run<UInt128, ByKey<UInt128>>(3, 5_000, TreeExtras.Bounds | TreeExtras.Sums);
        Run<ushort, ByKey<ushort>>(4, 5_000, TreeExtras.None);
        Run<byte, ByKey<byte>>(5, 250, TreeExtras.None);
    }

    [Fact]
    public void By_key_and_value_it_holds_and_finds_what_a_sorted_list_does()
    {
        Run<ulong, ByKeyThenValue<ulong>>(6, 200, TreeExtras.Bounds);
        Run<ushort, ByKeyThenValue<ushort>>(7, 200, TreeExtras.None);
        Run<UInt128, ByKeyThenValue<UInt128>>(8, 200, TreeExtras.None);
    }

    [Fact]
    public void By_room_it_holds_and_finds_what_a_sorted_list_does()
    {
        Run<ulong, BySizeWithRoom<ulong>>(9, 60, TreeExtras.None);
        Run<uint, BySizeWithRoom<uint>>(10, 60, TreeExtras.None);
    }

    private static void Run<T, TOrder>(ulong seed, int keys, TreeExtras extras)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
        where TOrder : IRangeOrder<T>
    {
        Compared<T, TOrder> compared = new(keys, extras, new SeededRandom(seed));
        for (int step = 0; step < 3_000; step++)
        {
            int share = (step / 500) switch { 0 => 10, 1 => 8, 2 => 5, 3 => 1, 4 => 9, _ => 0 };
            compared.Change(share, isAscending: step < 300);
            compared.Ask();
            if (step % 150 == 0)
            {
                compared.Validate();
            }
        }

        compared.Empty();
    }

    private sealed class Compared<T, TOrder>(int keys, TreeExtras extras, SeededRandom random)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
        where TOrder : IRangeOrder<T>
    {
        private static readonly Comparer<(int Key, int Value)> s_byKey =
            Comparer<(int Key, int Value)>.Create((a, b) => a.Key.CompareTo(b.Key));

        private readonly RangeTree<T, TOrder> _tree = new(extras, alignment: new Alignment<T>(Of(Align - 1), T.Zero, T.Zero));
        private readonly List<(int Key, int Value)> _list = [];
        private readonly bool _isSummed = (extras & TreeExtras.Sums) != 0;

        private int Values => TOrder.IsByStart ? Math.Min(keys, 100) : 250;

        /// <summary>In so many of ten cases one comes in; else one goes, or is changed.</summary>
        public void Change(int share, bool isAscending)
        {
            _tree.Reserve(2);
            Assert.True(_tree.HasReserved(2));
            if (random.Below(10) < share || _list.Count == 0)
            {
                (int Key, int Value) entry = isAscending ? Next() : Any();
                if (!Has(entry))
                {
                    Add(entry);
                    _tree.Insert(Of(entry.Key), Of(entry.Value), ItemOf(entry));
                }

                return;
            }

            int index = random.Below(_list.Count);
            (int key, int value) = _list[index];
            if (random.Below(2) == 0)             // what was just found is changed without a search
            {
                Assert.True(_tree.TryFindFirst(Of(key), Of(value), T.Zero, out _));
            }

            if (random.Below(3) == 0)
            {
                Alter(index, key, value);
                return;
            }

            _tree.Remove(Of(key), Of(value));
            _list.RemoveAt(index);
        }

        private void Alter(int index, int key, int value)
        {
            (int Key, int Value) entry = Any();
            int below = index > 0 ? _list[index - 1].Key : -1;
            int above = index + 1 < _list.Count ? _list[index + 1].Key : keys;
            bool isMoved = random.Below(2) == 0;
            if (TOrder.IsByStart && !isMoved)
            {
                entry.Key = below + 1 + random.Below(above - below - 1);
                _tree.Replace(Of(key), Of(value), Of(entry.Key), Of(entry.Value), ItemOf(entry));
            }
            else if (!Has(entry))
            {
                entry.Key = random.Below(2) == 0 && !TOrder.IsByStart ? key : entry.Key;
                if (Has(entry))
                {
                    return;
                }

                _tree.Move(Of(key), Of(value), Of(entry.Key), Of(entry.Value), ItemOf(entry));
            }
            else
            {
                return;
            }

            _list.RemoveAt(index);
            Add(entry);
        }

        public void Ask()
        {
            (int Key, int Value) from = Any();
            int least = random.Below(Values + 20);
            int first = _list.FindIndex(entry => IsAtOrAfter(entry, from) && IsEnough(entry, least));
            int last = _list.FindLastIndex(entry => IsAtOrAfter(from, entry) && IsEnough(entry, least));
            bool isFound =
                _tree.TryFindFirst(Of(from.Key), Of(from.Value), Of(least), out RangeTree<T, TOrder>.Cursor cursor);
            for (int more = 0; more < 3; more++)
            {
                Check(isFound, cursor, first);
                if (!isFound)
                {
                    break;
                }

                first = _list.FindIndex(first + 1, entry => IsEnough(entry, least));
                isFound = _tree.TryMoveNext(ref cursor, Of(least));
            }

            isFound = _tree.TryFindLast(Of(from.Key), Of(from.Value), Of(least), out cursor);
            for (int more = 0; more < 3; more++)
            {
                Check(isFound, cursor, last);
                if (!isFound || !TOrder.IsByStart)
                {
                    break;
                }

                last = last == 0 ? -1 : _list.FindLastIndex(last - 1, entry => IsEnough(entry, least));
                isFound = _tree.TryMovePrevious(ref cursor, Of(least));
            }

            Assert.Equal(_list.Count > 0, _tree.TryFindFirst(out cursor));
            Check(_list.Count > 0, cursor, _list.Count > 0 ? 0 : -1);
            AskRank();
        }

        private void AskRank()
        {
            if (!_isSummed || _list.Count == 0)
            {
                return;
            }

            int total = _list.Sum(entry => entry.Value);
            Assert.Equal(Of(total), _tree.Total);
            int key = random.Below(keys + 1);
            Assert.Equal(Of(_list.Where(entry => entry.Key < key).Sum(entry => entry.Value)), _tree.SumBelow(Of(key)));
            if (total > 0)
            {
                int rank = random.Below(total);
                RangeTree<T, TOrder>.Cursor cursor = _tree.Select(Of(rank), out T offset);
                int index = 0;
                for (; rank >= _list[index].Value; index++)
                {
                    rank -= _list[index].Value;
                }

                Assert.Equal(Of(rank), offset);
                Check(true, cursor, index);
            }
        }

        public void Validate()
        {
            List<(int Key, int Value)> found = [];
            _tree.Validate((key, value, item) =>
            {
                found.Add((int.CreateChecked(key), int.CreateChecked(value)));
                Assert.Equal(ItemOf(found[^1]), item);
            });
            Assert.Equal(_list, found);
            Assert.Equal(_list.Count, _tree.Count);
            int largest = _list.Select(HeededOf).DefaultIfEmpty().Max();
            Assert.True(!TOrder.HeedsValues || _tree.LargestValue == Of(largest));
        }

        public void Empty()
        {
            for (; _list.Count > 0; _list.RemoveAt(_list.Count - 1))
            {
                _tree.Remove(Of(_list[^1].Key), Of(_list[^1].Value));
            }

            Validate();
            Assert.True(_tree.Bytes > 0);
            _tree.Release();
            Assert.Equal(0, _tree.Bytes);
        }

        private void Check(bool isFound, RangeTree<T, TOrder>.Cursor cursor, int index)
        {
            Assert.Equal(index >= 0, isFound);
            if (isFound)
            {
                Assert.Equal(_list[index], (int.CreateChecked(cursor.Key), int.CreateChecked(cursor.Value)));
                Assert.Equal(ItemOf(_list[index]), cursor.Item);
            }
        }

        private (int Key, int Value) Next() =>
            (Math.Min(keys - 1, _list.Count / (TOrder.IsByStart ? 1 : 10)), _list.Count % Values);

        private (int Key, int Value) Any() => (random.Below(keys), random.Below(Values));

        private bool Has((int Key, int Value) entry) => TOrder.IsByStart
            ? _list.BinarySearch((entry.Key, 0), s_byKey) >= 0 : _list.BinarySearch(entry) >= 0;

        private void Add((int Key, int Value) entry) => _list.Insert(~_list.BinarySearch(entry), entry);

        private static bool IsAtOrAfter((int Key, int Value) entry, (int Key, int Value) from) =>
            TOrder.IsByStart ? entry.Key >= from.Key : entry.CompareTo(from) >= 0;

        private static bool IsEnough((int Key, int Value) entry, int least) => !TOrder.HeedsValues || HeededOf(entry) >= least;

        /// <summary>A value, or what is left of a segment of this size and start behind the first aligned one.</summary>
        private static int HeededOf((int Key, int Value) entry) =>
            TOrder.HasRooms ? Math.Max(0, entry.Key - (-entry.Value & (Align - 1))) : entry.Value;

        private static uint ItemOf((int Key, int Value) entry) => (uint)((entry.Key * 1_000) + entry.Value + 1);

        private static T Of(int number) => T.CreateChecked(number);
    }
}
