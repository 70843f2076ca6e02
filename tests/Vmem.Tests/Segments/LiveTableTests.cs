using System.Numerics;
using Vmem.Segments;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>The table of live segments against a dictionary, as it grows, shrinks and grows again.</summary>
public sealed unsafe class LiveTableTests
{
    private const long Page = 4_096;

    [Fact]
    public void It_finds_what_is_in_it_and_nothing_else()
    {
        Run<ulong>(1, shift: 0);
        Run<uint>(2, shift: 4);
        Run<UInt128>(3, shift: 0);
        Run<ushort>(4, shift: 0);
    }

    [Fact]
    public void It_takes_two_buckets_for_an_entry_and_at_most_four_after_it_shrank()
    {
        TagPool<ulong> tags = default;
        LiveTable<ulong> table = default;
        Assert.False(table.HasReserved);
        table.Reserve();
        long least = table.Bytes;
        for (uint count = 1; count <= 4_000; count++)
        {
            Add(ref tags, ref table, count, shift: 0);
            Assert.InRange(table.Bytes, 2 * sizeof(uint) * count, Page + (4 * sizeof(uint) * count));
        }

        for (uint count = 4_000; count > 0; count--)
        {
            table.Unlink(tags, table.Find(tags, count, 0));
            if (count % 500 == 1)
            {
                Assert.True(table.Shrink(tags));
                Assert.InRange(table.Bytes, 0, Page + (8 * sizeof(uint) * count));
                Assert.True(table.HasReserved);
            }
        }

        Assert.Equal((least, 0u), (table.Bytes, table.Count));
        table.Release();
        tags.Release();
    }

    private static void Run<T>(ulong seed, int shift)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        SeededRandom random = new(seed);
        TagPool<T> tags = default;
        LiveTable<T> table = default;
        Dictionary<int, uint> live = [];
        table.Reserve();
        for (int step = 0; step < 6_000; step++)
        {
            int start = random.Below(3_000);
            bool grows = step % 3_000 < 1_500;
            uint* link = table.Find(tags, T.CreateChecked(start) << shift, shift);
            Assert.Equal(live.GetValueOrDefault(start), *link);
            if (*link != 0 && (!grows || random.Below(3) == 0))
            {
                table.Unlink(tags, link);
                tags.Return(live[start]);
                Assert.True(live.Remove(start));
            }
            else if (*link == 0 && grows)
            {
                live.Add(start, Add(ref tags, ref table, T.CreateChecked(start) << shift, shift));
            }
            else if (!grows && step % 100 == 0)
            {
                _ = table.Shrink(tags);
            }

            Assert.Equal((uint)live.Count, table.Count);
        }

        foreach ((int start, uint index) in live)
        {
            Assert.Equal(index, *table.Find(tags, T.CreateChecked(start) << shift, shift));
        }

        table.Release();
        tags.Release();
    }

    private static uint Add<T>(ref TagPool<T> tags, ref LiveTable<T> table, T start, int shift)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        if (!tags.HasReserved(1))
        {
            tags.Grow();
        }

        uint index = tags.Take();
        Tag<T>* tag = tags.At(index);
        tag->Start = start;
        tag->Place(0, 0, TagKind.Allocated);
        (tag->LinkA, tag->LinkB) = (77, 77);
        table.Reserve();
        table.Add(tags, index, tag, shift);
        Assert.Equal(0u, tag->LinkB);
        return index;
    }
}
