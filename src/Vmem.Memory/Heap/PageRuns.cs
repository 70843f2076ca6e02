using Vmem.Checks;
using Vmem.Memory.Window;

namespace Vmem.Memory.Heap;

/// <summary>Large blocks of at most 1 MiB: the threads' magazines of them, above the heap's pages.</summary>
/// <remarks>
/// <para>
/// A large block straight from the pages takes two operations of an arena, behind one lock for all threads: ten times what a small block
/// takes, and less the more threads there are. So a run that is freed stays with its thread, some of each class, and the next request of
/// the class has it. There is no depot: what one thread allocates and another frees goes by the pages.
/// </para>
/// <para>
/// <b>How much.</b> Each magazine is granted what it can hold, at most <see cref="Most"/> bytes in all of a heap. A thread that comes when
/// all is granted works as if there were none of this. Magazines that were idle for an interval are closed and their grant goes to
/// others; so are all by a trim, before a request fails, and for want of memory elsewhere. Rejected: a count of the bytes that are
/// kept, which every operation of every thread would have to write.
/// </para>
/// </remarks>
internal sealed class PageRuns(HeapSpace space, LargeBlocks large, MagazineTable magazines, nuint most)
{
    /// <summary>The most that all threads of a heap keep, in bytes: as much as the window keeps of what is nobody's.</summary>
    public const nuint Most = 64 << 20;

    private const int First = MagazineTable.FirstRun;

    private readonly RunStates _states = space.Runs;      // here, not behind three loads
    private readonly GranuleTable _table = space.Table;
    private readonly uint _entry = space.Owner << GranuleTable.OwnerShift;
    private long _granted;                        // bytes that open magazines can hold
    private nuint _dirtyBefore;                   // the heap's dirty pages when a thread last went to them; no account
    private long _taken;                          // runs handed out that no magazine counts any more

    /// <summary>A run for a size, from the thread's magazine or the pages; 0 if there is none.</summary>
    public nuint Take(nuint size, bool clear, out bool isZero)
    {
        isZero = false;
        if (TryTake(size, out nuint block))
        {
            return block;
        }

        if (space.DirtyBytes > _dirtyBefore)
        {
            ReturnIdle();
        }

        if (space.DirtyBytes is var dirty && dirty != _dirtyBefore)
        {
            _dirtyBefore = dirty;                 // only then: all threads read what lies beside it
        }

        return large.TakeRun(RunClasses.Of(size), clear, out isZero);
    }

    /// <summary>A run for a size from the thread's magazine.</summary>
    public bool TryTake(nuint size, out nuint block)
    {
        int run = RunClasses.Of(size);
        ref HeapMagazine mine = ref magazines.Mine(First + run);
        if (mine.IsStretchOver && mine.TryBeginStretch(HeapMagazine.LongestStretch, out long taken))
        {
            _ = Interlocked.Add(ref _taken, taken);
        }

        if (!mine.TryPop(out block))
        {
            return false;
        }

        _states.Set(block, (byte)(run + 1));
        return true;
    }

    /// <summary>Puts a user's run into the thread's magazine.</summary>
    /// <param name="block">Where it starts.</param>
    /// <param name="size">How long the caller says it is; 0: he does not.</param>
    /// <param name="spilled">True if another one went to the pages for it.</param>
    /// <returns>False, and nothing is changed, if it is none, is shorter than the size that is given, or there is no magazine for
    /// it.</returns>
    public bool TryGive(nuint block, nuint size, out bool spilled)
    {
        spilled = false;
        byte state = _table.EntryAt(block) == _entry ? _states.At(block) : (byte)0;
        int run = state - 1;
        if ((uint)run >= RunClasses.Count || (size != 0 && size > RunClasses.SizeOf(run)))
        {
            return false;
        }

        ref HeapMagazine mine = ref magazines.Mine(First + run);
        if (!mine.IsOpen)
        {
            mine = ref Open(run);
        }

        if (!mine.IsOpen || !_states.TryGive(block, state))
        {
            return false;
        }

        if (!mine.TryPush(block))
        {
            spilled = true;
            MakeRoom(ref mine, run);
            if (!mine.TryPush(block))
            {
                large.Release(block, RunClasses.SizeOf(run));      // it has been claimed meanwhile
            }
        }

        return true;
    }

    /// <summary>Gives what magazines keep back to the pages, and is as new. Nobody else is in a call.</summary>
    public void Reset()
    {
        GiveBack(idleOnly: false);
        Invariant.Assert(_granted == 0, "what was granted is given back");
        _taken = 0;
        _dirtyBefore = 0;
    }

    /// <summary>Gives what magazines keep back to the pages, and closes these.</summary>
    /// <param name="idleOnly">Only those that nobody used since this was called last.</param>
    public void GiveBack(bool idleOnly)
    {
        if (Interlocked.Read(ref _granted) == 0)
        {
            return;
        }

        magazines.Claim();
        try
        {
            for (int run = 0; run < RunClasses.Count; run++)
            {
                GiveBack(run, idleOnly);
            }
        }
        finally
        {
            magazines.Release();
        }
    }

    /// <summary>What magazines keep, as of some moment.</summary>
    public (nuint Bytes, long Count, long Taken) Count()
    {
        nuint bytes = 0;
        long count = 0;
        long taken = Interlocked.Read(ref _taken);
        for (int run = 0; run < RunClasses.Count && Interlocked.Read(ref _granted) > 0; run++)
        {
            (long kept, long here) = magazines.CountMoving(First + run);
            bytes += (nuint)kept * RunClasses.SizeOf(run);
            count += kept;
            taken += here;
        }

        return (bytes, count, taken);
    }

    /// <summary>Every run in a magazine is allocated pages of its class, once, and no user's.</summary>
    public void Validate()
    {
        List<nuint> kept = [];
        magazines.Claim();
        try
        {
            for (int run = 0; run < RunClasses.Count; run++)
            {
                int before = kept.Count;
                magazines.CopyTo(First + run, kept);
                foreach (nuint block in kept.Skip(before))
                {
                    bool isKept = space.SizeAt(block) == RunClasses.SizeOf(run) && space.RunAt(block) == RunStates.Gone;
                    Invariant.Hold(isKept, "a run in a magazine is pages, and no user's", $"{block} is not");
                }
            }
        }
        finally
        {
            magazines.Release();
        }

        Invariant.Hold(kept.Distinct().Count() == kept.Count, "a run is in one magazine", $"{kept.Count - kept.Distinct().Count()} are in two");
    }

    /// <summary>While the heap grows: runs of the current thread that nobody asked for since the last time go back to the pages, and serve
    /// all lengths.</summary>
    /// <remarks>An array that grows leaves a run of each length behind it: of python's recording 5 MB lay in magazines, a third of what was
    /// in use.</remarks>
    public void ReturnIdle()
    {
        Span<nuint> oldest = stackalloc nuint[1];
        for (int run = 0; run < RunClasses.Count; run++)
        {
            ref HeapMagazine mine = ref magazines.Mine(First + run);
            bool isIdle = mine.Rounds > 0 && mine.SeemsIdle();
            while (isIdle && mine.TakeOldest(oldest) > 0)
            {
                Empty(large, oldest, RunClasses.SizeOf(run));
            }
        }
    }

    private static void Empty(LargeBlocks large, ReadOnlySpan<nuint> blocks, nuint size)
    {
        foreach (nuint block in blocks)
        {
            large.Release(block, size);
        }
    }

    private void GiveBack(int run, bool idleOnly)
    {
        foreach (HeapMagazine[] thread in magazines.Claimed)
        {
            ref HeapMagazine magazine = ref thread[First + run];
            if (magazine.HasRoom && (magazine.SeemsIdle() || !idleOnly))
            {
                Empty(large, magazine.Contents, RunClasses.SizeOf(run));
                _ = Interlocked.Add(ref _taken, magazine.Close());
                _ = Interlocked.Add(ref _granted, -GrantOf(run));
            }
        }
    }

    private void MakeRoom(ref HeapMagazine mine, int run)
    {
        Span<nuint> oldest = stackalloc nuint[1];
        Empty(large, oldest[..mine.Spill(oldest)], RunClasses.SizeOf(run));
    }

    /// <summary>The thread's magazine, opened if it is granted; a closed one if not, or if there is no memory for it.</summary>
    private ref HeapMagazine Open(int run)
    {
        long grant = GrantOf(run);
        bool isNew = false;
        if (Interlocked.Add(ref _granted, grant) <= (long)most)
        {
            try
            {
                ref HeapMagazine mine = ref magazines.Join(First + run, RunClasses.Rounds(run), HeapMagazine.LongestStretch, out isNew);
                return ref mine;
            }
            catch (OutOfMemoryException)
            {
            }
            finally
            {
                _ = isNew ? 0 : Interlocked.Add(ref _granted, -grant);
            }
        }
        else
        {
            _ = Interlocked.Add(ref _granted, -grant);
        }

        return ref MagazineTable.None;
    }

    private static long GrantOf(int run) => RunClasses.Rounds(run) * (long)RunClasses.SizeOf(run);
}
