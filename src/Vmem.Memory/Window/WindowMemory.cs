using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Memory.Window;

/// <summary>What a window has from the system: reserved parts, and the tables of all that these may lie in, its cover.</summary>
internal sealed unsafe class WindowMemory : IDisposable
{
    private readonly List<(nuint Start, nuint Size)> _parts = [];
    private long _reserved;

    private WindowMemory((nuint Start, nuint Size) first, nuint start, nuint size)
    {
        First = first;
        Start = start;
        Size = size;
        _parts.Add(first);
        _reserved = (long)first.Size;
        Commits = new CommitMap(start, size);
        Table = new GranuleTable(start, size);
        try
        {
            States = new BlockStates(start, size);
            Dirty = new DirtyPages(start, size);
            Runs = new RunStates(start, size);
        }
        catch
        {
            Dirty?.Dispose();
            States?.Dispose();
            Table.Dispose();
            throw;
        }
    }

    /// <summary>The part that it was made with.</summary>
    public (nuint Start, nuint Size) First { get; }

    /// <summary>Where the cover starts.</summary>
    public nuint Start { get; }

    /// <summary>How long the cover is.</summary>
    public nuint Size { get; }

    /// <summary>The bytes of all parts.</summary>
    public nuint Reserved => (nuint)Interlocked.Read(ref _reserved);

    public GranuleTable Table { get; }

    public BlockStates States { get; }

    public DirtyPages Dirty { get; }

    public RunStates Runs { get; }

    public CommitMap Commits { get; }

    /// <summary>A first part; a half, a quarter and so on of it where the system has not so much.</summary>
    /// <param name="wanted">How long it shall be.</param>
    /// <param name="cover">How far other parts may lie from it; as much as is wanted if there shall be none.</param>
    /// <exception cref="OutOfMemoryException">There is not even a unit, or no memory for the tables.</exception>
    public static WindowMemory Reserve(nuint wanted, nuint cover)
    {
        nuint size = wanted & ~(CommitMap.Unit - 1);
        if (!TryReserve(size, CommitMap.Unit, default, out nuint start, out size))
        {
            throw new InsufficientMemoryException($"The system has no {wanted} bytes of address space for heaps, nor any part of that.");
        }

        try
        {
            bool isWhole = size == cover;
            (nuint lowest, nuint highest) = (VirtualMemory.Lowest, VirtualMemory.Highest);
            nuint low = isWhole ? start : start - nuint.Min(cover, start - lowest);
            nuint below = start - low;            // both together are no longer than the cover: a table is an eighth of it
            nuint high = isWhole ? start + size : start + size + nuint.Min(cover - nuint.Min(cover, below), highest - (start + size));
            low = CommitMap.RoundUp(low);
            return new WindowMemory((start, size), low, (high & ~(CommitMap.Unit - 1)) - low);
        }
        catch
        {
            VirtualMemory.Release((void*)start, size);
            throw;
        }
    }

    /// <summary>One part more, within the cover. One thread at a time.</summary>
    /// <param name="wanted">How long it shall be.</param>
    /// <param name="needed">How long it must be.</param>
    /// <param name="start">Where it starts.</param>
    /// <param name="size">How long it is.</param>
    public bool TryReserve(nuint wanted, nuint needed, out nuint start, out nuint size)
    {
        start = size = 0;
        var cover = new RangeConstraints<nuint> { Min = Start, Max = Start + Size };
        if (needed > Size || First.Size == Size || !TryReserve(nuint.Min(wanted, Size), needed, cover, out start, out size))
        {
            return false;
        }

        _parts.Add((start, size));
        _ = Interlocked.Add(ref _reserved, (long)size);
        return true;
    }

    /// <summary>Gives a part back. One thread at a time.</summary>
    public void Release(nuint start, nuint size)
    {
        Invariant.Assert(_parts.Contains((start, size)), "a part goes back as it came");
        _ = _parts.Remove((start, size));
        _ = Interlocked.Add(ref _reserved, -(long)size);
        VirtualMemory.Release((void*)start, size);
    }

    public void Dispose()
    {
        _parts.ForEach(static part => VirtualMemory.Release((void*)part.Start, part.Size));
        Table.Dispose();
        States.Dispose();
        Dirty.Dispose();
        Runs.Dispose();
    }

    private static bool TryReserve(nuint wanted, nuint needed, RangeConstraints<nuint> where, out nuint start, out nuint size)
    {
        where = where with { Align = CommitMap.Unit };
        for (size = wanted; size >= needed; size = nuint.Max(size / 2 & ~(CommitMap.Unit - 1), needed))
        {
            if (VirtualMemory.Space.TryReserve(new Placement<nuint>(size, where, VirtualMemory.Granularity), out start))
            {
                return true;
            }

            if (size == needed)
            {
                break;
            }
        }

        start = size = 0;
        return false;
    }
}
