using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Platform;

namespace Vmem.Memory.Pools;

/// <summary>A pinned array that an arena deals out, and what is known of its pages.</summary>
/// <remarks>
/// <para>
/// The arena counts in blocks of 4 KiB and in numbers of its own: the slab with the number n begins at n times the length of a slab. So the
/// array of a range is found by a shift. Rejected: an arena over the arrays' addresses, which must search for the array. Rejected: an arena
/// of bytes. Its caches have magazines for things of 4,096 units, which are of one round, and each rental went to the depot.
/// </para>
/// <para>
/// <b>Marks.</b> A byte for each block says for how many turns of the upkeep it was not used; or that its pages hold nothing, and take no
/// memory. Renters write it only if it says otherwise: 64 blocks share a line of the processors' caches. Rejected: a mark for what is
/// rented. It was written twice a rental, and a server lost a tenth of its answers to it.
/// </para>
/// <para>
/// <b>Ages.</b> The upkeep turns <see cref="Turns"/> times in an interval, and a block is idle after as many turns without use. So it was
/// free for three quarters of an interval at least, and for a whole one at most. Rejected: one turn an interval. What was used in an
/// interval then stayed for all of the next: up to two, which nobody expects of a time that he has set.
/// </para>
/// <para>
/// Whether an idle block is free only the arena knows, and to ask it empties all magazines. So it is asked for what lies between the first
/// idle block and the last, and once: what was rented then is <see cref="Kept"/>, and left alone until it has been used.
/// </para>
/// <para>
/// <b>Discarding.</b> The pages inside an array that no object's header lies in are dropped with madvise, behind the runtime's back. It
/// does not care: elements of an unmanaged type are never looked at by a collection, pinned arrays never move, and a page that comes back
/// is zero. That is Linux's promise; on other systems only whole slabs go back, by way of the collector.
/// </para>
/// </remarks>
internal sealed unsafe class PinnedSlab<T>
    where T : unmanaged
{
    /// <summary>How often the upkeep turns in an interval. Arbitrary: each turn looks at all marks.</summary>
    public const int Turns = 4;

    private const byte Clean = 0;
    private const byte Recent = 1;                // used since the last turn; one more for each turn without use
    private const byte Idle = Recent + Turns;
    private const byte Kept = Idle + 1;           // rented, when the upkeep wanted it because it was idle

    private readonly byte[] _marks;
    private readonly nuint _block;                // in elements
    private readonly int _first;

    /// <param name="size">In blocks.</param>
    /// <param name="block">In elements.</param>
    /// <exception cref="OutOfMemoryException">The runtime has no memory for it.</exception>
    public PinnedSlab(nuint size, nuint block)
    {
        nuint slack = Slack;
        Array = GC.AllocateUninitializedArray<T>((int)((size * block) + slack), pinned: true);
        _marks = new byte[size];
        Owners = new PinnedOwners<T>(size);
        _block = block;
        Size = size;
        nuint address = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(Array));
        nuint before = (VirtualMemory.PageSize - (address & (VirtualMemory.PageSize - 1))) & (VirtualMemory.PageSize - 1);
        _first = before % (nuint)sizeof(T) == 0 ? (int)(before / (nuint)sizeof(T)) : 0;
    }

    /// <summary>How many elements an array is longer than its slab, so that the slab begins at a page.</summary>
    public static nuint Slack => VirtualMemory.PageSize / (nuint)sizeof(T);

    public T[] Array { get; }

    /// <summary>The owners that its blocks keep.</summary>
    public PinnedOwners<T> Owners { get; }

    /// <summary>In blocks.</summary>
    public nuint Size { get; }

    /// <summary>The number of its first block; set once, before anybody else sees it.</summary>
    public nuint Start { get; set; }

    /// <summary>Blocks that may take memory, free or not.</summary>
    public nuint Touched => (nuint)(_marks.Length - _marks.AsSpan().Count(Clean));

    public int IndexOf(nuint start) => _first + (int)((start - Start) * _block);

    /// <summary>The range was rented or given back just now, by whoever has it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void NoteUse(nuint start, nuint size)
    {
        ref byte mark = ref _marks[start - Start];
        if (mark != Recent)
        {
            mark = Recent;
        }

        if (size > 1)
        {
            NoteUse((int)(start - Start), (int)size);
        }
    }

    /// <summary>The upkeep turns: what has memory is a turn older, until it is used again.</summary>
    /// <param name="start">The first block that is idle now, and may be free.</param>
    /// <param name="size">The blocks from there to the last one that is idle.</param>
    /// <returns>Whether there is one.</returns>
    public bool TryAge(out nuint start, out nuint size)
    {
        for (int i = 0; i < _marks.Length; i++)
        {
            byte mark = _marks[i];
            if (mark is >= Recent and < Idle)
            {
                _ = Interlocked.CompareExchange(ref _marks[i], (byte)(mark + 1), mark);
            }
        }

        int first = _marks.AsSpan().IndexOf(Idle);
        int last = _marks.AsSpan().LastIndexOf(Idle);             // a renter may have come between
        start = Start + (nuint)Math.Max(0, first);
        size = (nuint)Math.Max(0, last - first + 1);
        return first >= 0 && last >= first;
    }

    /// <summary>What is idle and was not free is looked at again when it has been used.</summary>
    public void KeepIdle()
    {
        for (int i = 0; i < _marks.Length; i++)
        {
            if (_marks[i] == Idle)
            {
                _ = Interlocked.CompareExchange(ref _marks[i], Kept, Idle);
            }
        }
    }

    /// <summary>Gives pages back that hold nothing. The caller has all of the range, and nobody has anything in it.</summary>
    /// <returns>How many bytes went back.</returns>
    public nuint Discard(nuint start, nuint size, bool onlyIdle)
    {
        if (!CanDiscard)
        {
            return 0;
        }

        nuint discarded = 0;
        int end = (int)(start - Start + size);
        for (int i = (int)(start - Start); i < end; i++)
        {
            int from = i;
            while (i < end && (onlyIdle ? _marks[i] == Idle : _marks[i] != Clean))
            {
                _marks[i++] = Clean;
            }

            if (i > from)
            {
                Owners.Forget(from, i - from);
                discarded += DiscardPages(from, i);
            }
        }

        return discarded;
    }

    /// <summary>Whether the system takes pages out of the runtime's memory.</summary>
    public static bool CanDiscard => OperatingSystem.IsLinux();

    private void NoteUse(int first, int count)
    {
        foreach (ref byte mark in _marks.AsSpan(first, count))
        {
            if (mark != Recent)
            {
                mark = Recent;
            }
        }
    }

    private nuint DiscardPages(int from, int to)
    {
        nuint mask = VirtualMemory.PageSize - 1;
        T* first = (T*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(Array)) + _first;
        nuint start = ((nuint)(first + ((nuint)from * _block)) + mask) & ~mask;
        nuint end = (nuint)(first + ((nuint)to * _block)) & ~mask;
        if (end <= start)
        {
            return 0;
        }

        VirtualMemory.Discard((void*)start, end - start);
        return end - start;
    }
}
