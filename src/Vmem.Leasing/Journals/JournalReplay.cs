using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Leasing.Journals;

/// <summary>What is live after a snapshot and the notes that followed it.</summary>
/// <remarks>
/// <para>
/// The snapshot is in order of address. The notes are brought into that order, those of one address in the order of time. Then one pass
/// over both has all that happened at an address side by side. A program that starts pays for it once, and its code is cold: so the loops
/// are few, and compiled at once.
/// </para>
/// <para>
/// Rejected: a table from address to range, in which the notes are carried out one by one. It takes longer: each note misses the
/// processor's caches, and what is left must be sorted after all.
/// </para>
/// </remarks>
internal static class JournalReplay<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private const int DigitBits = 11;             // its counts fill 8 KiB, a part of the first cache

    /// <summary>The live ranges in order of address, as notes of their allocations.</summary>
    /// <param name="notes">All notes, in order of time. They are reordered.</param>
    /// <param name="snapshot">So many of them are the snapshot.</param>
    public static NoteBuffer<T> Live(Span<JournalNote<T>> notes, int snapshot)
    {
        snapshot = IsAscending(notes[..snapshot]) ? snapshot : 0;
        Span<JournalNote<T>> later = notes[snapshot..];
        using NoteBuffer<T> buffer = new();
        NoteBuffer<T> live = new();
        try
        {
            Span<JournalNote<T>> spare = buffer.Extend(later.Length);
            Span<JournalNote<T>> sorted = Sort(later, spare);
            var cover = new JournalCover<T>(sorted == later ? spare : later);
            live.Cut(Merge(notes[..snapshot], sorted, cover, live.Extend(notes.Length)));
            return live;
        }
        catch
        {
            live.Dispose();
            throw;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool IsAscending(ReadOnlySpan<JournalNote<T>> notes)
    {
        for (int i = 1; i < notes.Length; i++)
        {
            if (notes[i].Start <= notes[i - 1].Start || Overlaps(notes[i - 1], notes[i]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Sorts by address, digit by digit from the lowest: equals keep their order. Digits in which no two differ are passed
    /// over.</summary>
    /// <returns>One of the two, which has the notes.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Span<JournalNote<T>> Sort(Span<JournalNote<T>> notes, Span<JournalNote<T>> spare)
    {
        T differing = T.Zero;
        for (int i = 1; i < notes.Length; i++)
        {
            differing |= notes[i].Start ^ notes[0].Start;
        }

        Span<int> places = stackalloc int[1 << DigitBits];
        int shift = int.CreateTruncating(T.TrailingZeroCount(differing));
        for (; shift < Unsafe.SizeOf<T>() * 8 && !T.IsZero(differing >> shift); shift += DigitBits)
        {
            places.Clear();
            for (int i = 0; i < notes.Length; i++)
            {
                places[Digit(notes[i].Start, shift)]++;
            }

            int place = 0;
            for (int i = 0; i < places.Length; i++)
            {
                (places[i], place) = (place, place + places[i]);
            }

            for (int i = 0; i < notes.Length; i++)
            {
                spare[places[Digit(notes[i].Start, shift)]++] = notes[i];
            }

            Span<JournalNote<T>> sorted = spare;
            spare = notes;
            notes = sorted;
        }

        return notes;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Digit(T start, int shift) => (int)(uint.CreateTruncating(start >> shift) & ((1U << DigitBits) - 1));

    /// <summary>Of ranges that overlapped, the newest may be live. What lay there before was gone by then: by a lease that was lost, or by
    /// a free that nobody noted. That holds even if the newest was freed in the end.</summary>
    /// <returns>How many were kept.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Merge(ReadOnlySpan<JournalNote<T>> snapshot, ReadOnlySpan<JournalNote<T>> later, JournalCover<T> cover,
        Span<JournalNote<T>> kept)
    {
        int count = 0;
        int before = 0;
        int after = 0;
        while (before < snapshot.Length || after < later.Length)
        {
            bool isLive = after == later.Length || (before < snapshot.Length && snapshot[before].Start <= later[after].Start);
            JournalNote<T> last = isLive ? snapshot[before++] : later[after];
            for (; after < later.Length && later[after].Start == last.Start; after++)
            {
                // A free of what is not live was refused, after it had been noted.
                if (!later[after].IsFree)
                {
                    (last, isLive) = (later[after], true);
                    cover.Add(last);
                    count -= count > 0 && kept[count - 1].Place < last.Place && Overlaps(kept[count - 1], last) ? 1 : 0;
                }
                else if (last.Size == later[after].Size)
                {
                    isLive = false;
                }
            }

            if (isLive && !cover.IsNewer(last))
            {
                kept[count++] = last;
            }
        }

        return count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Overlaps(in JournalNote<T> below, in JournalNote<T> above) => above.Start - below.Start < below.Size;
}
