using System.Numerics;
using Vmem.Leasing.Journals;

namespace Vmem.Leasing.Tests.Journals;

/// <summary>What is live after a snapshot and notes.</summary>
public sealed class JournalReplayTests
{
    /// <summary>Against a table from address to range, in which the notes are carried out one by one; at addresses of all lengths, with
    /// frees that were refused.</summary>
    [Fact]
    public void Notes_in_any_order_say_what_a_table_says()
    {
        Random random = new(6);
        for (int round = 0; round < 200; round++)
        {
            int shift = random.Next(58);
            Dictionary<ulong, ulong> table = [];
            using NoteBuffer<ulong> notes = new();
            int snapshot = random.Next(20);
            for (int i = 0; i < 200; i++)
            {
                ulong start = i < snapshot ? (ulong)i << shift : (ulong)random.Next(60) << shift;
                ulong size = shift == 0 ? 1 : (ulong)random.Next(1, 3) << (shift - 1);
                bool isFree = i >= snapshot && random.Next(2) == 0;
                notes.Extend(1)[0] = new JournalNote<ulong>(start, size, i, isFree);
                if (!isFree)
                {
                    table[start] = size;
                }
                else if (table.TryGetValue(start, out ulong known) && known == size)
                {
                    table.Remove(start);
                }
            }

            using NoteBuffer<ulong> live = JournalReplay<ulong>.Live(notes.Notes, snapshot);
            Assert.Equal(table.OrderBy(static range => range.Key).Select(static range => (range.Key, range.Value)),
                live.Notes.ToArray().Select(static note => (note.Start, note.Size)));
        }
    }

    /// <summary>Addresses that differ in every digit, the same ones again and again.</summary>
    [Fact]
    public void Addresses_of_any_length_come_in_order()
    {
        Check(static random => (byte)random.Next(256));
        Check(static random => (ushort)random.Next(1 << 16));
        Check(static random => (ulong)random.NextInt64(long.MinValue, long.MaxValue));
        Check(static random => new UInt128((ulong)random.NextInt64(), (ulong)random.NextInt64(4)));

        static void Check<T>(Func<Random, T> draw)
            where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
        {
            Random random = new(7);
            T[] starts = [.. Enumerable.Range(0, 100).Select(_ => draw(random))];
            HashSet<T> table = [];
            using NoteBuffer<T> notes = new();
            for (int i = 0; i < 300; i++)
            {
                T start = starts[random.Next(100)];
                bool isFree = random.Next(2) == 0;
                notes.Extend(1)[0] = new JournalNote<T>(start, T.One, i, isFree);
                _ = isFree ? table.Remove(start) : table.Add(start);
            }

            using NoteBuffer<T> live = JournalReplay<T>.Live(notes.Notes, snapshot: 0);
            Assert.Equal(table.Order(), live.Notes.ToArray().Select(static note => note.Start));
        }
    }

    /// <summary>A snapshot that is not in order is taken for what happened one after the other.</summary>
    [Fact]
    public void A_snapshot_in_no_order_is_sorted()
    {
        Assert.Equal([(3, 1), (5, 1), (9, 1)], Live(snapshot: 2, (5, 1), (3, 1), (9, 1)));
        Assert.Equal([(3, 2), (5, 1)], Live(snapshot: 3, (3, 1), (3, 2), (5, 1)));
        Assert.Equal([(3, 2), (6, 2)], Live(snapshot: 2, (3, 1), (6, 1), (6, 2), (3, 2)));
    }

    [Fact]
    public void Of_ranges_that_overlap_the_newest_is_live()
    {
        Assert.Equal([(4, 2)], Live(snapshot: 1, (0, 8), (4, 2)));
        Assert.Equal([(0, 8)], Live(snapshot: 1, (4, 2), (0, 8)));
        Assert.Equal([(0, 4), (4, 4)], Live(snapshot: 1, (4, 4), (0, 4)));
        Assert.Equal([(2, 4), (6, 2)], Live(snapshot: 2, (0, 3), (4, 2), (6, 2), (2, 4)));
    }

    private static (int Start, int Size)[] Live(int snapshot, params (uint Start, uint Size)[] allocated)
    {
        using NoteBuffer<uint> notes = new();
        Array.ForEach(allocated, range => notes.Add(range.Start, range.Size));
        using NoteBuffer<uint> live = JournalReplay<uint>.Live(notes.Notes, snapshot);
        return [.. live.Notes.ToArray().Select(static note => ((int)note.Start, (int)note.Size))];
    }
}
