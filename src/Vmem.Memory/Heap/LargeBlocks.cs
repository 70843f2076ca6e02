using Vmem.Checks;
using Vmem.Memory.Window;

namespace Vmem.Memory.Heap;

/// <summary>Blocks of whole pages, straight from the heap's space.</summary>
/// <param name="space">The pages.</param>
/// <param name="hasRuns">Whether those of at most 1 MiB are page runs, of which threads keep some.</param>
internal sealed class LargeBlocks(HeapSpace space, bool hasRuns)
{
    // From here on blocks lie so that their pages move by whole tables. A sixteenth at most is lost before them: arbitrary.
    private const nuint LeastAligned = 16 * PageMover.Stride;

    private long _bytes;
    private long _count;
    private long _taken;

    /// <summary>The bytes of live blocks, and of runs that threads keep.</summary>
    public nuint Bytes => (nuint)Interlocked.Read(ref _bytes);

    /// <summary>Live blocks, and runs that threads keep.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>Blocks that were ever taken from the pages.</summary>
    public long Taken => Interlocked.Read(ref _taken);

    /// <summary>Is as new. There is no block, and nobody else is in a call.</summary>
    public void Reset()
    {
        Invariant.Assert(_count == 0 && _bytes == 0, "all blocks have gone back");
        _taken = 0;
    }

    /// <inheritdoc cref="IHeapLayer.Take"/>
    public nuint Take(nuint size, nuint alignment, bool clear, out bool isZero)
    {
        isZero = false;
        if (size > space.Size || alignment > space.Size)
        {
            return 0;
        }

        nuint length = HeapSpace.RoundUp(size);
        nuint block = length >= LeastAligned && alignment < PageMover.Stride
            ? TakePages(length, PageMover.Stride, state: 0, clear, out isZero) : 0;
        return block != 0 ? block : TakePages(length, alignment, state: 0, clear, out isZero);
    }

    /// <summary>A block with room to grow into; 0 if there are no pages for it at hand.</summary>
    public nuint TakeRoomy(nuint size) => size > space.Size ? 0
        : TakePages(HeapSpace.RoundUp(size), PageMover.Stride, RunStates.Roomy, clear: false, out _);

    /// <summary>A page run; 0 if there is no room for one.</summary>
    public nuint TakeRun(int run, bool clear, out bool isZero) =>
        TakePages(RunClasses.SizeOf(run), alignment: 1, (byte)(run + 1), clear, out isZero);

    /// <summary>Frees a user's block.</summary>
    /// <returns>False, and nothing is changed, if another thread has freed it meanwhile.</returns>
    public bool TryFree(nuint block, nuint size)
    {
        byte state = space.RunAt(block);
        if (!RunStates.IsLive(state) || !space.Runs.TryGive(block, state))
        {
            return false;
        }

        Release(block, size);
        return true;
    }

    /// <summary>Gives pages back that are no user's any more.</summary>
    public void Release(nuint block, nuint size)
    {
        space.Free(block, size);
        _ = Interlocked.Add(ref _bytes, -(long)size);
        _ = Interlocked.Decrement(ref _count);
    }

    /// <summary>Resizes a block where it lies, if the pages behind it allow it.</summary>
    public bool TryResize(nuint block, nuint old, nuint size)
    {
        byte state = space.RunAt(block);
        if (state == RunStates.Roomy && size <= old && old - size <= old / 9)
        {
            return true;                          // into the room that it moved for
        }

        nuint exact = size > space.Size ? 0 : HeapSpace.RoundUp(size);
        nuint length = hasRuns && RunClasses.Contains(size) ? RunClasses.SizeOf(RunClasses.Of(size)) : exact;
        if (length == old)
        {
            return true;
        }

        if (exact == 0 || !RunStates.IsLive(state) || !space.Runs.TryHold(block, state))
        {
            return false;
        }

        nuint now = old;
        try
        {
            now = space.TryExtend(block, old, length) ? length
                : exact != length && exact != old && space.TryExtend(block, old, exact) ? exact : old;
        }
        finally
        {
            space.Runs.Set(block, now == old ? state : StateOf(now));
        }

        _ = Interlocked.Add(ref _bytes, (long)now - (long)old);
        return now >= size && now != old;
    }

    /// <summary>Takes the pages of a block to another block, and frees it. False, and the block is as it was, if they must be
    /// copied.</summary>
    /// <remarks>Nobody can free or resize the block meanwhile: a wrong free would have somebody else's pages go.</remarks>
    public bool TryMove(nuint block, nuint moved, nuint size)
    {
        byte state = space.RunAt(block);
        if (size < PageMover.Stride || ((block | moved | size) & (HeapSpace.PageSize - 1)) != 0 || !RunStates.IsLive(state) ||
            !space.Runs.TryHold(block, state))
        {
            return false;
        }

        bool isMoved = false;
        nuint length = 0;
        try
        {
            length = space.SizeAt(block);
            isMoved = length >= size && PageMover.TryMove(space.Moved, block, moved, size);
        }
        finally
        {
            space.Runs.Set(block, isMoved ? RunStates.Gone : state);
        }

        if (isMoved)
        {
            space.NoteEmpty(block, length);
            Release(block, length);
        }

        return isMoved;
    }

    private byte StateOf(nuint length) =>
        hasRuns && RunClasses.Contains(length) && RunClasses.Of(length) is var run && RunClasses.SizeOf(run) == length
            ? (byte)(run + 1)
            : (byte)0;

    private nuint TakePages(nuint length, nuint alignment, byte state, bool clear, out bool isZero)
    {
        if (!space.TryAllocate(length, alignment, clear, out nuint start, out isZero))
        {
            return 0;
        }

        space.Runs.Set(start, state);
        _ = Interlocked.Add(ref _bytes, (long)length);
        _ = Interlocked.Increment(ref _count);
        _ = Interlocked.Increment(ref _taken);
        return start;
    }
}
