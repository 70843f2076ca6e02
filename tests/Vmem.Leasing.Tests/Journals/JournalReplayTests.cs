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
}
