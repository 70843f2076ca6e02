using System.Numerics;
using Vmem.Segments;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>Heads of free lists, and where the rows of them lie, against a sorted dictionary. There are never more rows with members than
/// tags can be free segments.</summary>
public sealed unsafe class ListRowsTests
{
    [Fact]
    public void Heads_are_kept_and_found_in_order()
    {
        Run<byte>(1);
        Run<ushort>(2);
        Run<uint>(3);
        Run<ulong>(4);
        Run<UInt128>(5);
    }

    private static void Run<T>(ulong seed)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        SeededRandom random = new(seed);
        ListRows<T> rows = default;
        SortedDictionary<int, uint> heads = [];
        uint tags = 8;
        int last = SizeClass.Of(T.MaxValue);
        rows.Ensure(tags);
        rows.Reach(T.One, tags);
        Assert.InRange(rows.Lists, 2, 64);
        rows.Reach(T.MaxValue, tags);
        Assert.InRange(rows.Lists, last + 1, last + 64);
        for (int step = 0; step < 3_000; step++)
        {
            int list = SizeClass.Of(T.MaxValue >> random.Below(8 * sizeof(T))) - random.Below(3);
            if (list >= 1 && heads.Count < tags / 2 && random.Below(2) == 0)
            {
                Set(ref rows, heads, list, (uint)step + 1);
            }
            else if (heads.Count > 0 && random.Below(3) > 0)
            {
                Clear(ref rows, heads, heads.ElementAt(random.Below(heads.Count)).Key);
            }
            else if (random.Below(30) == 0)
            {
                uint most = 4u << random.Below(5);
                Resize(ref rows, heads, ref tags, most);
            }

            Check(rows, heads, random.Below(last + 2));
            rows.Validate();
        }

        Assert.True(rows.Bytes > 0);
        rows.Release();
    }

    private static void Set<T>(ref ListRows<T> rows, SortedDictionary<int, uint> heads, int list, uint link)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        ListRow* row = rows.Place(list);
        Assert.Equal(heads.ContainsKey(list), ListRows<T>.IsMarked(row, list));
        *ListRows<T>.Head(row, list) = link;
        rows.Mark(row, list);
        Assert.True(ListRows<T>.IsMarked(row, list));
        heads[list] = link;
    }

    private static void Clear<T>(ref ListRows<T> rows, SortedDictionary<int, uint> heads, int list)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        ListRow* row = rows.Of(list);
        *ListRows<T>.Head(row, list) = 0;
        rows.MarkEmpty(row, list);
        Assert.True(heads.Remove(list));
    }

    private static void Resize<T>(ref ListRows<T> rows, SortedDictionary<int, uint> heads, ref uint tags, uint most)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        long bytes = rows.Bytes;
        if (most > tags)
        {
            rows.Ensure(most);
            Assert.True(rows.Bytes >= bytes);
            tags = most;
        }
        else if (heads.Count <= most / 2)
        {
            rows.Shrink(most);
            Assert.True(rows.Bytes <= bytes);
            tags = most;
        }
    }

    private static void Check<T>(in ListRows<T> rows, SortedDictionary<int, uint> heads, int from)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        Assert.Equal(heads.Keys.DefaultIfEmpty(-1).Last(), rows.FindHighest());
        int found = from;
        ListRow* row = rows.Find(ref found);
        int expected = heads.Keys.Where(list => list >= from).DefaultIfEmpty(-1).First();
        Assert.Equal(expected, row == null ? -1 : found);
        Assert.True(row == null || *ListRows<T>.Head(row, found) == heads[found]);
        if (from < rows.Lists)
        {
            Assert.Equal(heads.GetValueOrDefault(from), rows.LinkOf(from));
        }
    }
}
