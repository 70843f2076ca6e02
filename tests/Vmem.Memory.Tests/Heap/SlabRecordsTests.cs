using Vmem.Memory.Heap;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Where the records of slabs lie.</summary>
public unsafe class SlabRecordsTests
{
    /// <summary>Some hundred need several chunks. What is written into one is in no other.</summary>
    [Fact]
    public void Records_are_apart()
    {
        SlabRecords records = new();
        List<(nuint Start, int Capacity)> taken = [];
        for (int i = 0; i < 600; i++)
        {
            int capacity = 1 + (i * 997 % 4_096);
            Slab* record = records.Take(capacity);
            Assert.Equal(0u, (nuint)record % 8);
            Slab.Initialize(record, (nuint)(i + 1), capacity, clean: 0);
            new Span<byte>(record, (int)Slab.BytesFor(capacity)).Fill((byte)i);
            taken.Add(((nuint)record, capacity));
        }

        for (int i = 0; i < taken.Count; i++)
        {
            Span<byte> record = new((void*)taken[i].Start, (int)Slab.BytesFor(taken[i].Capacity));
            Assert.Equal(-1, record.IndexOfAnyExcept((byte)i));
        }

        nuint end = 0;
        foreach ((nuint start, int capacity) in taken.Order())
        {
            Assert.True(start >= end);
            end = start + Slab.BytesFor(capacity);
        }

        // Together they take 194,160 bytes, in chunks of 64 KiB.
        int chunks = 1 + taken.Zip(taken.Skip(1)).Count(pair => pair.First.Start + Slab.BytesFor(pair.First.Capacity) != pair.Second.Start);
        Assert.Equal(3, chunks);
        records.Dispose();
        records.Dispose();
    }

    /// <summary>The bits of 64 blocks are a word.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(64, 1)]
    [InlineData(65, 2)]
    [InlineData(4_096, 64)]
    public void A_record_has_a_bit_for_each_block(int capacity, int words) =>
        Assert.Equal((nuint)(sizeof(Slab) + (words * 8)), Slab.BytesFor(capacity));
}
