using Vmem.Checks;

namespace Vmem.Memory.Window;

/// <summary>Which commit units of the address window are committed.</summary>
/// <remarks>
/// <para>
/// Address space is handed out, committed and decommitted by whole commit units. So whatever is committed is one owner's, or nobody's, and
/// neighbouring units in the same state are one mapping, of which a process may have 65,530 on Linux.
/// </para>
/// <para>What a request needs is committed by one call for each run of units that are not committed yet. So a request for more than there
/// is, is refused by the system at once; and what was committed for a request that then fails is given back.</para>
/// </remarks>
internal sealed unsafe class CommitMap(nuint start, nuint size)
{
    /// <summary>A huge page where there are any; a call for each is nothing against the 512 page faults that follow.</summary>
    public const int UnitShift = 21;

    public const nuint Unit = 1 << UnitShift;

    private readonly ulong[] _committed = new ulong[(size >> UnitShift >> 6) + 1];
    private readonly Gate _gate = new();
    private long _count;
    private nuint _top;                           // no unit from here on was ever committed

    /// <summary>The bytes of all committed units.</summary>
    public nuint Bytes => (nuint)Interlocked.Read(ref _count) << UnitShift;

    public static nuint RoundUp(nuint size) => (size + Unit - 1) & ~(Unit - 1);

    /// <summary>The whole units in a range; false if there are none.</summary>
    public static bool TryWholeUnits(nuint start, nuint size, out nuint first, out nuint length)
    {
        first = RoundUp(start);
        nuint end = (start + size) & ~(Unit - 1);
        length = first < end ? end - first : 0;
        return length > 0;
    }

    /// <summary>Commits the units in which a range lies.</summary>
    /// <param name="address">Where the range starts.</param>
    /// <param name="length">In bytes.</param>
    /// <param name="huge">Whether to ask for huge pages.</param>
    /// <param name="fresh">How many bytes were not committed before.</param>
    /// <returns>False if the system refuses: what it granted before stays committed, and the caller gives it back.</returns>
    public bool TryCommit(nuint address, nuint length, bool huge, out nuint fresh)
    {
        fresh = 0;
        nuint first = (address - start) >> UnitShift;
        nuint last = (address + length - 1 - start) >> UnitShift;
        if (NextOf(first, last, isCommitted: false) > last)
        {
            return true;
        }

        using (_gate.EnterScope())
        {
            for (nuint unit = NextOf(first, last, isCommitted: false); unit <= last; unit = NextOf(unit, last, isCommitted: false))
            {
                nuint end = NextOf(unit, last, isCommitted: true);
                nuint bytes = (end - unit) << UnitShift;
                if (!VirtualMemory.TryCommit(AddressOf(unit), bytes))
                {
                    return false;
                }

                if (huge)
                {
                    _ = VirtualMemory.TryAdviseHuge(AddressOf(unit), bytes);
                }

                Set(unit, end, isCommitted: true);
                fresh += bytes;
                unit = end;
            }
        }

        return true;
    }

    /// <summary>The next committed units from an address on, as many as follow one another; false if there are none before the
    /// end.</summary>
    public bool TryFindNext(ref nuint address, nuint end, out nuint found, out nuint length)
    {
        nuint last = ((end - start) >> UnitShift) - 1;
        nuint first = address < end ? NextOf((address - start) >> UnitShift, last, isCommitted: true) : last + 1;
        nuint next = NextOf(first, last, isCommitted: false);
        found = start + (first << UnitShift);
        length = (next - first) << UnitShift;
        address = start + (next << UnitShift);
        return length > 0;
    }

    /// <summary>Takes memory and access from committed units that nobody uses. False if the system does not: then they keep their
    /// contents, or are zero.</summary>
    public bool TryDecommit(nuint address, nuint length)
    {
        using (_gate.EnterScope())
        {
            if (!VirtualMemory.TryDecommit((void*)address, length))
            {
                return false;
            }

            nuint unit = (address - start) >> UnitShift;
            Set(unit, unit + (length >> UnitShift), isCommitted: false);
            return true;
        }
    }

    /// <summary>The pages of a unit are perhaps not committed any more: they are committed again before they are used.</summary>
    public void Forget(nuint address)
    {
        nuint unit = (address - start) >> UnitShift;
        using (_gate.EnterScope())
        {
            if (IsCommitted(unit))
            {
                Set(unit, unit + 1, isCommitted: false);
            }
        }
    }

    /// <summary>The part of a range from the first to the last unit in it that is committed; empty if none is.</summary>
    public (nuint Start, nuint Size) PartOf(nuint address, nuint length)
    {
        nuint first = (address - start) >> UnitShift;
        nuint top = Volatile.Read(ref _top);
        if (first >= top)
        {
            return default;
        }

        nuint last = nuint.Min((address + length - 1 - start) >> UnitShift, top - 1);
        first = NextOf(first, last, isCommitted: true);
        while (last > first && !IsCommitted(last))
        {
            last--;
        }

        nuint begin = nuint.Max(address, start + (first << UnitShift));
        nuint end = nuint.Min(address + length, start + ((last + 1) << UnitShift));
        return first > last ? default : (begin, end - begin);
    }

    /// <summary>How many bytes of a range of whole commit units are committed.</summary>
    public nuint Count(nuint address, nuint length)
    {
        nuint count = 0;
        nuint end = address + length;
        while (TryFindNext(ref address, end, out _, out nuint run))
        {
            count += run;
        }

        return count;
    }

    /// <summary>The first unit from one on that is committed, or that is not; the one after the last if there is none.</summary>
    private nuint NextOf(nuint unit, nuint last, bool isCommitted)
    {
        while (unit <= last)
        {
            ulong word = Volatile.Read(ref _committed[unit >> 6]);
            ulong wanted = (isCommitted ? word : ~word) >> (int)(unit & 63);
            if (wanted != 0)
            {
                return nuint.Min(unit + (nuint)ulong.TrailingZeroCount(wanted), last + 1);
            }

            unit = ((unit >> 6) + 1) << 6;
        }

        return last + 1;
    }

    private bool IsCommitted(nuint unit) => (Volatile.Read(ref _committed[unit >> 6]) >> (int)(unit & 63) & 1) != 0;

    private void* AddressOf(nuint unit) => (void*)(start + (unit << UnitShift));

    private void Set(nuint unit, nuint end, bool isCommitted)
    {
        Invariant.Assert(_gate.IsHeldByCurrentThread, "units change their state under the gate");
        Volatile.Write(ref _top, isCommitted ? nuint.Max(_top, end) : _top);
        _ = Interlocked.Add(ref _count, isCommitted ? (long)(end - unit) : -(long)(end - unit));
        for (; unit < end; unit++)
        {
            ulong bit = 1ul << (int)(unit & 63);
            ref ulong word = ref _committed[unit >> 6];
            Volatile.Write(ref word, isCommitted ? word | bit : word & ~bit);
        }
    }
}
