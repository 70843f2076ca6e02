using Vmem.Leasing.Journals;

namespace Vmem.Leasing.Tests.Journals;

/// <summary>Notes in native memory.</summary>
public sealed class NoteBufferTests
{
    /// <summary>On ordinary pages, and on huge ones from 4 MiB on.</summary>
    [Fact]
    public void Notes_stay_what_they_are_while_it_grows_by_as_much_as_it_has()
    {
        const int Count = 200_000;
        using NoteBuffer<ulong> notes = new();
        int moves = 0;
        for (int i = 0; i < Count; i++)
        {
            Span<JournalNote<ulong>> before = notes.Notes;
            notes.Add((ulong)i * 3, (ulong)i + 1);
            moves += notes.Notes[..i] == before ? 0 : 1;
        }

        Assert.Equal(Count, notes.Count);
        for (int i = 0; i < Count; i++)
        {
            JournalNote<ulong> note = notes.Notes[i];
            Assert.Equal(((ulong)i * 3, (ulong)i + 1, (long)i, false), (note.Start, note.Size, note.Place, note.IsFree));
        }

        Assert.InRange(moves, 1, 19);
    }

    [Fact]
    public void It_is_made_longer_and_shorter()
    {
        using NoteBuffer<ushort> notes = new();
        Assert.Equal((0, 0, 0), (notes.Count, notes.Notes.Length, notes.Extend(0).Length));
        notes.Add(5, 6);
        Span<JournalNote<ushort>> added = notes.Extend(2);
        added[0] = new JournalNote<ushort>(7, 8, 3, isFree: true);
        added[1] = new JournalNote<ushort>(9, 10, 0, isFree: true);
        Assert.Equal((3, 2), (notes.Count, added.Length));
        Assert.Equal([(5, 0, false), (7, 3, true), (9, 0, true)],
            [.. notes.Notes.ToArray().Select(static note => ((int)note.Start, (int)note.Place, note.IsFree))]);
        notes.Cut(1);
        Assert.Equal((1, 1, 5), (notes.Count, notes.Notes.Length, (int)notes.Notes[0].Start));
        Assert.Throws<OverflowException>(() => notes.Extend(int.MaxValue).Length);
        Assert.Equal(1, notes.Count);
        notes.Dispose();
        Assert.Equal((0, 0), (notes.Count, notes.Notes.Length));
        notes.Add(1, 1);                          // it begins anew
        Assert.Equal(1, notes.Notes.Length);
    }
}
