using Vmem.Checks;

namespace Vmem.Memory.Heap;

// How the memory of pages goes back to the system.
internal sealed partial class HeapSpace
{
    private readonly Gate _discarding = new();    // held while free pages are out of circulation
    private nuint _takenOut = nuint.MaxValue;     // where these begin, or may soon
    private int _turns;                           // counts the beginnings and ends of that

    /// <summary>Gives the memory of free pages back to the system, or of those only that were free when this was called last, too. Of each
    /// free segment, what may be dirty is taken out of circulation meanwhile.</summary>
    /// <returns>How many bytes were dirty.</returns>
    public nuint DiscardFree(bool staleOnly)
    {
        nuint discarded = 0;
        using (_discarding.EnterScope())
        {
            foreach (Segment<nuint> segment in _pages.GetSegments())
            {
                nuint touched = segment.Kind == SegmentKind.Free ? _reservation.Dirty.TouchedPart(segment.Start, segment.Size) : 0;
                if (touched == 0 || !_reservation.Dirty.Any(segment.Start, touched))
                {
                    continue;
                }

                Invariant.Assert((_turns & 1) == 0 && _takenOut == nuint.MaxValue, "one segment at a time is out of circulation");
                _ = Interlocked.Increment(ref _turns);
                Volatile.Write(ref _takenOut, segment.Start);
                bool isOut = false;
                try
                {
                    isOut = TryTakeOut(segment.Start, touched);
                    discarded += isOut ? _reservation.Dirty.Discard(segment.Start, touched, staleOnly, _reservation.ForgetCommit) : 0;
                }
                finally
                {
                    if (isOut)
                    {
                        _pages.Free(segment.Start, touched);
                    }

                    // In this order: who looked meanwhile sees either that it is out, or that there was a turn.
                    _ = Interlocked.Increment(ref _turns);
                    Volatile.Write(ref _takenOut, nuint.MaxValue);
                }
            }
        }

        return discarded;
    }

    /// <summary>The allocated pages that an address is in.</summary>
    /// <remarks>What is taken out only to be discarded is free. Whether it is that or a block that has come there shows when the discarder
    /// is done.</remarks>
    public bool TryFind(nuint address, out Segment<nuint> segment)
    {
        int turns = Volatile.Read(ref _turns);
        if (!_pages.TryGetSegment(address, out segment) || segment.Kind != SegmentKind.Allocated)
        {
            return false;
        }

        if (segment.Start != Volatile.Read(ref _takenOut) && turns == Volatile.Read(ref _turns))
        {
            return true;
        }

        using (_discarding.EnterScope())
        {
            return _pages.TryGetSegment(address, out segment) && segment.Kind == SegmentKind.Allocated;
        }
    }

    private bool TryTakeOut(nuint start, nuint size)
    {
        Invariant.Assert(_discarding.IsHeldByCurrentThread, "pages are taken out under the lock");
        try
        {
            var place = new RangeConstraints<nuint> { Min = start, Max = start + size };
            return _pages.TryAllocateConstrained(size, place, FitPolicy.FirstFit, out _);
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }
}
