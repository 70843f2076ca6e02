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

    /// <summary>What lay there before was gone when the newer one came, whatever became of that.</summary>
    [Theory]
    [InlineData("+0-8 +4-2", "4-2")]
    [InlineData("+0-8 +4-2 -4-2", "")]
    [InlineData("+4-2 +0-8 -0-8", "")]
    [InlineData("+4-2 +0-8 -0-8 +0-2", "0-2")]
    [InlineData("+5-1 +4-4 +0-5", "0-5")]
    [InlineData("+3-1 +0-8 -0-8 +1-2 +4-4", "1-2 4-4")]
    [InlineData("+8-2 +0-4 +4-4 -0-4", "4-4 8-2")]
    [InlineData("+6-1 +0-10 +2-6 -2-6 +1-2", "1-2")]
    [InlineData("+6-1 +3-1 +0-10 -0-10 +2-2 -2-2 +9-1", "9-1")]
    [InlineData("+6-1 +2-9 +1-2 -1-2 +2-1 -2-1", "")]
    public void What_a_newer_range_overlapped_is_not_live(string notes, string live)
    {
        Assert.Equal(live, Replay(notes, snapshot: 0));
        Assert.Equal(live, Replay(notes, snapshot: 1));
    }

    /// <summary>Against a list of ranges: an allocation takes away all that it overlaps.</summary>
    [Fact]
    public void Ranges_that_overlap_say_what_a_list_says()
    {
        Random random = new(8);
        for (int round = 0; round < 2_000; round++)
        {
            List<(ulong Start, ulong Size)> list = [];
            using NoteBuffer<ulong> notes = new();
            int snapshot = random.Next(4);
            for (int i = 0; i < 4 + random.Next(30); i++)
            {
                bool isFree = i >= snapshot && random.Next(3) == 0;
                (ulong Start, ulong Size) range = isFree && list.Count > 0 ? list[random.Next(list.Count)]
                    : ((ulong)(i < snapshot ? 8 * i : random.Next(40)), (ulong)random.Next(1, i < snapshot ? 9 : 25));
                notes.Extend(1)[0] = new JournalNote<ulong>(range.Start, range.Size, i, isFree);
                list.RemoveAll(other => isFree ? other == range
                    : other.Start < range.Start + range.Size && range.Start < other.Start + other.Size);
                if (!isFree)
                {
                    list.Add(range);
                }
            }

            using NoteBuffer<ulong> live = JournalReplay<ulong>.Live(notes.Notes, snapshot);
            Assert.Equal(list.Order(), live.Notes.ToArray().Select(static note => (note.Start, note.Size)));
        }
    }

    [Fact]
    public void A_range_up_to_the_last_value_is_covered_like_any()
    {
        using NoteBuffer<byte> notes = new();
        notes.Add(250, 1);
        notes.Add(240, 16);
        notes.Add(239, 2);
        using NoteBuffer<byte> live = JournalReplay<byte>.Live(notes.Notes, snapshot: 0);
        Assert.Equal([(239, 2)], live.Notes.ToArray().Select(static note => ((int)note.Start, (int)note.Size)));
    }

    /// <summary>Notes as text: <c>+4-2</c> is an allocation of 2 at 4, <c>-4-2</c> its free.</summary>
    private static string Replay(string text, int snapshot)
    {
        using NoteBuffer<uint> notes = new();
        foreach (string note in text.Split(' '))
        {
            uint[] range = [.. note[1..].Split('-').Select(uint.Parse)];
            notes.Extend(1)[0] = new JournalNote<uint>(range[0], range[1], notes.Count - 1, isFree: note[0] == '-');
        }

        using NoteBuffer<uint> live = JournalReplay<uint>.Live(notes.Notes, snapshot);
        return string.Join(' ', live.Notes.ToArray().Select(static note => $"{note.Start}-{note.Size}"));
    }

    private static (int Start, int Size)[] Live(int snapshot, params (uint Start, uint Size)[] allocated)
    {
        using NoteBuffer<uint> notes = new();
        Array.ForEach(allocated, range => notes.Add(range.Start, range.Size));
        using NoteBuffer<uint> live = JournalReplay<uint>.Live(notes.Notes, snapshot);
        return [.. live.Notes.ToArray().Select(static note => ((int)note.Start, (int)note.Size))];
    }
}
