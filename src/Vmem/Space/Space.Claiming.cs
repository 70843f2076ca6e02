using System.Runtime.CompilerServices;
using Vmem.Diagnostics;
using Vmem.Ranges;
using Vmem.Segments;

namespace Vmem.Space;

// Given places: claims of ranges that exist already, and of whatever is free of a window.
internal sealed partial class Space<T>
{
    /// <summary>How many ranges are claimed, and how many segments passed, under one lock. Arbitrary: some hundred
    /// microseconds.</summary>
    private const int ClaimedAtATime = 1024;

    /// <summary>Checks that a place can be one.</summary>
    /// <exception cref="ArgumentException">It is misaligned, or reaches past the top of the type.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void CheckPlace(T start, T size)
    {
        if (WhyNoPlace(start, size, out string parameter) is { } reason)
        {
            throw new ArgumentException(reason, parameter);
        }
    }

    /// <summary>Why no range can lie there; null: one can.</summary>
    /// <param name="start">Where it would start.</param>
    /// <param name="size">Its size, rounded.</param>
    /// <param name="parameter">Which of the two is wrong.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public string? WhyNoPlace(T start, T size, out string parameter)
    {
        bool isMisaligned = !Multiples<T>.Has(start, Quantum);
        parameter = isMisaligned ? nameof(start) : nameof(size);
        return isMisaligned ? $"A range starts at a multiple of the quantum {Quantum}, and {start} is none."
            : start + (size - T.One) < start ? $"A range of {size} at {start} reaches past the top of {typeof(T).Name}." : null;
    }

    /// <summary>Claims ranges of a batch, in their order, as far as one stay under the lock goes.</summary>
    /// <param name="batch">The ranges.</param>
    /// <param name="next">The first that is not claimed yet.</param>
    /// <param name="site">Who claims them, in an audited arena.</param>
    /// <returns>False if the next one is not free, or not near.</returns>
    /// <exception cref="ArgumentException">The next one is no range, or overlaps the one before it.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]     // what exists already is loaded once: there is no time to get warm
    public bool TryClaim(in ClaimBatch<T> batch, ref int next, AuditSite? site)
    {
        using Visit<T> visit = Visit();
        uint free = 0;
        for (int end = Math.Min(next + ClaimedAtATime, batch.Count); next < end; next++)
        {
            (T start, T size) = batch.Check(next, this);
            if (free == 0 || !Map.IsFreeAt(free, start, size))
            {
                free = Map.FindAt(start, size, inSteps: true);
                if (free is 0 or SegmentMap<T>.Unfinished)
                {
                    return false;
                }
            }

            RangeNote note = batch.NoteOf(next, this);
            if (!Map.MayLie(note.Kind, free, start, size))
            {
                return false;
            }

            free = TakeAt(free, start, size, site, note);
        }

        return true;
    }

    /// <summary>Takes whatever is free of a window, as far as one stay under the lock goes. The lock is held.</summary>
    /// <param name="from">Where the window begins; afterwards where the rest of it does.</param>
    /// <param name="last">Its last value.</param>
    /// <param name="pieces">Receives what was taken, unless it is empty: then nobody wants to know.</param>
    /// <param name="count">How many pieces there are; right also if memory runs out on the way.</param>
    /// <param name="taken">Is raised by how much was taken.</param>
    /// <param name="site">Who takes it, in an audited arena.</param>
    /// <returns>Whether that was all.</returns>
    public bool TakeFree(ref T from, T last, Span<Segment<T>> pieces, ref int count, ref T taken, AuditSite? site)
    {
        AssertHeld();
        int most = pieces.IsEmpty ? ClaimedAtATime : pieces.Length;
        for (long steps = ClaimedAtATime; count < most;)
        {
            uint free = Map.FindFreePart(ref from, last, ref steps, out T end);
            if (free is 0 or SegmentMap<T>.Unfinished)
            {
                return free == 0;
            }

            T size = end - from + T.One;
            _ = TakeAt(free, from, size, site);
            if (!pieces.IsEmpty)
            {
                pieces[count] = new Segment<T>(from, size, SegmentKind.Allocated);
            }

            count++;
            taken += size;
            if (end == last)
            {
                return true;
            }

            from = end + T.One;
        }

        return false;
    }
}
