using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Caching;
using Vmem.Checks;

namespace Vmem.Memory.Heap;

/// <summary>The magazines of a heap, by number of the thread and by class.</summary>
/// <remarks>
/// A thread's magazines lie side by side, so that the way from a block to its magazine ends with a look at the thread's own lines. The
/// thread with a number that an ended one had (<see cref="ThreadNumbers"/>) goes on with what that one left.
/// <para>The heap's face has a copy of the table of threads (<see cref="ShowTo"/>). Rejected: to look at it through this object, one load
/// more in each operation. A pair of 64 bytes took 1.10 of the time then.</para>
/// </remarks>
internal sealed class MagazineTable(SampleRate? rate = null)
{
    /// <summary>The first class of page runs: behind those of small blocks, of which 0 and the one beyond stand for what has no class, and
    /// are always closed.</summary>
    public const int FirstRun = SizeClasses.Count + 1;

    private const int Classes = FirstRun + RunClasses.Count;

    // In place of what a thread does not have yet: nothing can be taken from it or put into it.
    private static readonly HeapMagazine[] s_none = MakeMagazines();

    private readonly Gate _gate = new();
    private ThreadTable<HeapMagazine[]> _threads = new();       // changes under the gate
    private Action<ThreadTable<HeapMagazine[]>>? _show;
    private bool _ended;

    private ReadOnlySpan<HeapMagazine[]> Threads => _threads.Entries!;

    /// <summary>The magazines of each thread, and what stands for none. Claimed.</summary>
    public ReadOnlySpan<HeapMagazine[]> Claimed => Threads;

    /// <summary>A magazine that is always closed.</summary>
    public static ref HeapMagazine None => ref s_none[0];

    /// <summary>A thread's magazine of a class; a closed one if it has none yet.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref HeapMagazine Of(in ThreadTable<HeapMagazine[]> threads, int thread, byte sizeClass)
    {
        HeapMagazine[] mine = threads.Of(thread, s_none);
        return ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(mine), (nint)sizeClass);
    }

    /// <summary>Calls back with the table of threads, now and whenever it may have been replaced, under the gate.</summary>
    public void ShowTo(Action<ThreadTable<HeapMagazine[]>> show)
    {
        using (_gate.EnterScope())
        {
            _show = show;
            show(_threads);
        }
    }

    /// <summary>The magazine of the current thread, which is made if need be; a closed one if the heap has ended. Throws
    /// <see cref="OutOfMemoryException"/>.</summary>
    /// <param name="sizeClass">The class.</param>
    /// <param name="capacity">How many blocks it has room for.</param>
    /// <param name="stretch">How many may be taken from it in the first stretch.</param>
    /// <param name="isNew">True if the thread had none.</param>
    public ref HeapMagazine Join(int sizeClass, int capacity, int stretch, out bool isNew)
    {
        isNew = false;
        ref HeapMagazine mine = ref Of(_threads, ThreadNumber.Current, (byte)sizeClass);
        if (mine.IsOpen)
        {
            return ref mine;
        }

        int thread = ThreadNumber.Ensure();
        using (_gate.EnterScope())
        {
            if (_ended)
            {
                return ref None;
            }

            mine = ref _threads.Join(thread, s_none, static () => SpareMagazines.Take() ?? MakeMagazines())[sizeClass];
            _show?.Invoke(_threads);
            isNew = mine.TryOpen(capacity, stretch);
            return ref mine;
        }
    }

    /// <summary>The current thread's magazine of a class, as it is.</summary>
    public ref HeapMagazine Mine(int sizeClass) => ref Of(_threads, ThreadNumber.Current, (byte)sizeClass);

    /// <summary>How many blocks are taken from a magazine until somebody looks.</summary>
    public int NextStretch() => rate?.Next() ?? HeapMagazine.LongestStretch;

    /// <summary>Every thread's magazines are claimed: nothing moves in them until <see cref="Release"/>. A thread that finds its own
    /// claimed waits in <see cref="Join"/>.</summary>
    public void Claim()
    {
        _gate.Enter();
        foreach (HeapMagazine[] thread in Threads)
        {
            foreach (ref HeapMagazine magazine in Own(thread))
            {
                magazine.BeginClaim();
            }
        }

        Exploration.ProcessWideBarrier();
        foreach (HeapMagazine[] thread in Threads)
        {
            foreach (ref HeapMagazine magazine in Own(thread))
            {
                magazine.AwaitOwner();
                Invariant.Assert(!magazine.IsOpen, "a claimed magazine is closed");
            }
        }
    }

    /// <summary>Gives the blocks in those of the current thread's magazines that it has not used since this was called last to their slabs,
    /// past the depots: nobody is known to want them.</summary>
    /// <returns>As <see cref="Drain"/>.</returns>
    [SkipLocalsInit]
    public nuint ReturnIdle(ReadOnlySpan<SlabClass?> classes)
    {
        nuint wrong = 0;
        Span<nuint> batch = stackalloc nuint[SizeClasses.MostRounds];
        foreach (SlabClass? slabs in classes)
        {
            if (slabs is null)
            {
                continue;
            }

            ref HeapMagazine mine = ref Of(_threads, ThreadNumber.Current, (byte)slabs.SizeClass);
            if (mine.Rounds > 0 && mine.SeemsIdle())
            {
                for (int count; (count = mine.TakeOldest(batch)) > 0;)
                {
                    wrong = slabs.GiveBack(batch[..count]) is var found and not 0 ? found : wrong;
                }
            }
        }

        return wrong;
    }

    /// <summary>Ends what <see cref="Claim"/> began.</summary>
    public void Release()
    {
        Invariant.Assert(_gate.IsHeldByCurrentThread, "the gate is held");
        foreach (HeapMagazine[] thread in Threads)
        {
            foreach (ref HeapMagazine magazine in Own(thread))
            {
                magazine.EndClaim();
            }
        }

        _gate.Exit();
    }

    /// <summary>Blocks of a class in all magazines, and how many were ever taken from these. Claimed.</summary>
    public (long Blocks, long Taken) Count(int sizeClass)
    {
        Invariant.Assert(_gate.IsHeldByCurrentThread, "the gate is held");
        long blocks = 0;
        long taken = 0;
        foreach (HeapMagazine[] thread in Threads)
        {
            blocks += thread[sizeClass].Rounds;
            taken += thread[sizeClass].Taken;
        }

        return (blocks, taken);
    }

    /// <summary>As <see cref="Count"/>, while owners go on.</summary>
    public (long Blocks, long Taken) CountMoving(int sizeClass)
    {
        using (_gate.EnterScope())
        {
            return Count(sizeClass);
        }
    }

    /// <summary>Adds the blocks of a class in all magazines. Claimed.</summary>
    public void CopyTo(int sizeClass, List<nuint> blocks)
    {
        Invariant.Assert(_gate.IsHeldByCurrentThread, "the gate is held");
        foreach (HeapMagazine[] thread in Threads)
        {
            blocks.AddRange(thread[sizeClass].Contents);
        }
    }

    /// <summary>Gives the blocks of a class in all magazines to its depot and slabs. Claimed.</summary>
    /// <param name="slabs">The class.</param>
    /// <param name="idleOnly">Only of magazines that have not been used since this was called last.</param>
    /// <returns>An address that is none of the class's blocks out; else 0.</returns>
    public nuint Drain(SlabClass slabs, bool idleOnly)
    {
        Invariant.Assert(_gate.IsHeldByCurrentThread, "the gate is held");
        nuint wrong = 0;
        foreach (HeapMagazine[] thread in Threads)
        {
            ref HeapMagazine magazine = ref thread[slabs.SizeClass];
            if ((magazine.SeemsIdle() || !idleOnly) && magazine.Rounds > 0)
            {
                wrong = slabs.Give(magazine.Contents) is var found and not 0 ? found : wrong;
                magazine.Clear();
            }
        }

        return wrong;
    }

    /// <summary>No thread has magazines any more, and nobody is shown which have. What lies in them is forgotten. Nobody else is in a
    /// call.</summary>
    /// <remarks>Those of the current thread serve its next heap. Those of another do not: if it breaks its promise, and still frees a block
    /// of the heap that has ended, the next heap must not have that.</remarks>
    public void Reset()
    {
        using (_gate.EnterScope())
        {
            HeapMagazine[] mine = _threads.Of(ThreadNumber.Current, s_none);
            _threads.RemoveAll(s_none);
            _show?.Invoke(new ThreadTable<HeapMagazine[]>());
            _show = null;
            if (mine != s_none)
            {
                SpareMagazines.Keep(mine);
            }
        }
    }

    /// <summary>No thread has magazines from now on. What lies in them is forgotten.</summary>
    public void End()
    {
        using (_gate.EnterScope())
        {
            _ended = true;
            _threads.Clear();
            _show?.Invoke(_threads);
        }
    }

    private static HeapMagazine[] MakeMagazines()
    {
        var magazines = new HeapMagazine[Classes];
        for (int sizeClass = 0; sizeClass < Classes; sizeClass++)
        {
            magazines[sizeClass].SlotShift = SizeClasses.SlotShiftOf(Math.Min(sizeClass, SizeClasses.Count));
        }

        return magazines;
    }

    private static Span<HeapMagazine> Own(HeapMagazine[] thread) => thread == s_none ? [] : thread;
}
