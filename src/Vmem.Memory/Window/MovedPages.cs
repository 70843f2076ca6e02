using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Checks;
using Vmem.Memory.Platform;

namespace Vmem.Memory.Window;

/// <summary>Pages that the system has moved (<see cref="VirtualMemory.TryMove"/>) make mappings: where these begin, and how many they
/// are.</summary>
/// <remarks>
/// <para>
/// The system joins what was moved with nothing that lies beside it, until it is decommitted. So each move may make two mappings more, one
/// where the pages begin and one behind them; and what is freed there, and handed out again, keeps them. A bit for each page tells at which
/// addresses such a mapping begins. What is moved over them takes those in between away.
/// </para>
/// <para>When there are so many that others might go without, pages stay where they are: the caller copies.</para>
/// <para>Rejected: to count moves. A block that moves to and fro between two places makes no more mappings than one.</para>
/// </remarks>
/// <param name="most">How many mappings they may make; null: a quarter of what there may be.</param>
internal sealed unsafe class MovedPages(long? most = null)
{
    private const int Share = 4;                  // guard pages have a half: one quarter is left to others
    private const int WordsOfUnit = 8;            // 512 pages of 4 KiB, or fewer that are longer

    private static readonly int s_pageShift = BitOperations.Log2(VirtualMemory.PageSize);

    private readonly Gate _gate = new();          // held while pages move: the system moves them one after the other anyway
    private readonly Dictionary<nuint, Begins> _units = [];       // of commit units in which some begin
    private long _count;

    /// <summary>How many mappings they make, or fewer.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>Moves pages to others that nobody has seen yet. False, and nothing has moved, where the system does not, or there are too
    /// many mappings.</summary>
    public bool TryMove(nuint from, nuint to, nuint size)
    {
        using (_gate.EnterScope())
        {
            if (_count > (most ?? Mappings.Most / Share) - 2 || !TryReserve() || !VirtualMemory.TryMove((void*)from, (void*)to, size))
            {
                return false;
            }

            Remove(to, to + size);
            Add(to);
            Add(to + size);
            return true;
        }
    }

    /// <summary>Commit units are not committed any more: what they are now, the system joins with what is beside them.</summary>
    public void Forget(nuint start, nuint size)
    {
        if (Count > 0)
        {
            using (_gate.EnterScope())
            {
                Remove(start, start + size);
            }
        }
    }

    /// <summary>Room for the beginning and the end of a move, so that noting them needs no memory.</summary>
    private bool TryReserve()
    {
        try
        {
            GrowthFault.ThrowIfDue();
            _ = _units.EnsureCapacity(_units.Count + 2);
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    private void Add(nuint address)
    {
        (nuint unit, int page) = PlaceOf(address);
        ref ulong word = ref CollectionsMarshal.GetValueRefOrAddDefault(_units, unit, out _)[page >> 6];
        ulong bit = 1ul << (page & 63);
        _count += (word & bit) == 0 ? 1 : 0;
        word |= bit;
    }

    /// <summary>Nothing begins at these addresses, both included.</summary>
    private void Remove(nuint first, nuint last)
    {
        (nuint firstUnit, int firstPage) = PlaceOf(first);
        (nuint lastUnit, int lastPage) = PlaceOf(last);
        if (lastUnit - firstUnit < (nuint)_units.Count)
        {
            for (nuint unit = firstUnit; unit <= lastUnit; unit++)
            {
                RemoveOf(unit);
            }
        }
        else
        {
            foreach ((nuint unit, _) in _units)
            {
                RemoveOf(unit);                   // also while they are enumerated
            }
        }

        void RemoveOf(nuint unit)
        {
            StepCounter.Count();
            if (unit >= firstUnit && unit <= lastUnit)
            {
                int from = unit == firstUnit ? firstPage : 0;
                int to = unit == lastUnit ? lastPage : (WordsOfUnit << 6) - 1;
                Remove(unit, from, to);
            }
        }
    }

    private void Remove(nuint unit, int first, int last)
    {
        ref Begins begins = ref CollectionsMarshal.GetValueRefOrNullRef(_units, unit);
        if (Unsafe.IsNullRef(ref begins))
        {
            return;
        }

        ulong left = 0;
        for (int i = 0; i < WordsOfUnit; i++)
        {
            ulong fromFirst = i < first >> 6 ? 0 : i == first >> 6 ? ulong.MaxValue << (first & 63) : ulong.MaxValue;
            ulong toLast = i > last >> 6 ? 0 : i == last >> 6 ? ulong.MaxValue >> (63 - (last & 63)) : ulong.MaxValue;
            _count -= BitOperations.PopCount(begins[i] & fromFirst & toLast);
            begins[i] &= ~(fromFirst & toLast);
            left |= begins[i];
        }

        if (left == 0)
        {
            _ = _units.Remove(unit);
        }
    }

    private static (nuint Unit, int Page) PlaceOf(nuint address) =>
        (address >> CommitMap.UnitShift, (int)((address & (CommitMap.Unit - 1)) >> s_pageShift));

    /// <summary>A bit for each page of a commit unit.</summary>
    [InlineArray(WordsOfUnit)]
    private struct Begins
    {
        private ulong _first;
    }
}
