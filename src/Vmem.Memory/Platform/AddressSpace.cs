using Vmem.Checks;
using Vmem.Platform;
using Vmem.Ranges;
using Vmem.Segments;

namespace Vmem.Memory.Platform;

/// <summary>The address space of the process as a resource: reservations of any alignment, and within any window, of a system that knows
/// neither.</summary>
/// <remarks>
/// <para>
/// The system gives multiples of pages, wherever it likes. Where more is asked, a range is reserved that is so long that it must hold a
/// right place (an arena's own rule, <see cref="Placement{T}"/>), and what lies around the place goes back. Where a system cannot take
/// parts back (Windows), all of it goes back, and the place is asked for by name; somebody may be quicker, so there are several attempts.
/// Rejected: VirtualAlloc2, which takes alignment and bounds. Not every Windows that .NET runs on has it, so the attempts would be there
/// all the same.
/// </para>
/// <para>
/// What must lie in a window (Min, Max) is tried anywhere first, and then at places spread evenly over the window. Rejected: to read
/// the system's map of what is free. It is a text on Linux, as long as the process has mappings, and out of date before it is read. So a
/// request with a window may be refused though there is room; that is the one promise of an arena that its source does not keep.
/// </para>
/// <para>
/// <b>A release never fails.</b> Cutting a piece out of a mapping makes two of one, which Linux refuses when there are as many as may be;
/// and it merges reservations that lie side by side, so that any release may be such a cut. Then the memory goes back, the range is
/// <em>stranded</em>, and it is offered again at each later release, and when a reservation fails. Rejected: an exception. Whoever frees
/// has no use for the range, and could do nothing but this.
/// </para>
/// </remarks>
internal sealed unsafe class AddressSpace(MemorySystem system) : IArenaSource<nuint>
{
    private const int Attempts = 16;              // arbitrary: to lose the race even twice takes another thread that reserves all the time
    private const int Probes = 64;                // arbitrary: a call each, so that a refusal takes well under a millisecond

    private readonly Gate _lock = new();
    private readonly List<(nuint Start, nuint Size)> _stranded = [];
    private nuint _strandedSize;

    public nuint Quantum => system.Granularity;

    /// <summary>How many bytes of address space the system has not taken back yet.</summary>
    public nuint StrandedSize => Volatile.Read(ref _strandedSize);

    /// <summary>Reserves a range. False if the system is short of address space or mappings, or knows no such place.</summary>
    /// <exception cref="InvalidOperationException">The system refused for another reason.</exception>
    public bool TryReserve(in Placement<nuint> placement, out nuint start)
    {
        start = 0;
        return placement.Size - 1 <= system.Highest - system.Lowest &&
            (TryPlace(placement, out start) || (ReleaseStranded() && TryPlace(placement, out start)));
    }

    public bool TryImport(nuint size, in RangeConstraints<nuint> constraints, out nuint start, out nuint imported)
    {
        ArgumentOutOfRangeException.ThrowIfZero(size);
        nuint mask = Quantum - 1;
        start = 0;
        imported = (size + mask) & ~mask;
        return imported >= size
            && IsWellFormed(imported, constraints)
            && TryReserve(new Placement<nuint>(imported, constraints, Quantum), out start);
    }

    public void Release(nuint start, nuint size)
    {
        int error = system.Release((void*)start, size);
        if (error == 0)
        {
            _ = ReleaseStranded();
        }
        else if (system.IsShortage(error))
        {
            _ = system.Decommit((void*)start, size);
            using (_lock.EnterScope())
            {
                _stranded.Add((start, size));
                _strandedSize += size;
            }
        }
        else
        {
            throw MemorySystem.Refusal(error, "release", (void*)start, size);
        }
    }

    /// <summary>The arena's preconditions, for the whole import. An arena never asks for less.</summary>
    private bool IsWellFormed(nuint size, in RangeConstraints<nuint> constraints)
    {
        nuint align = constraints.Align == 0 ? Quantum : constraints.Align;
        nuint noCross = constraints.NoCross;
        return align % Quantum == 0 && constraints.Phase < align && constraints.Phase % Quantum == 0 &&
            (noCross == 0 || (nuint.IsPow2(noCross) && noCross >= align &&
                Strides<nuint>.CanLieBetween(size, align, constraints.Phase, noCross)));
    }

    private bool TryPlace(in Placement<nuint> placement, out nuint start)
    {
        bool windowed = placement.Min > system.Lowest || placement.Last < system.Highest;
        return TryPlaceAnywhere(placement, out start) || (windowed && TryPlaceInWindow(placement, out start));
    }

    private bool TryPlaceAnywhere(in Placement<nuint> placement, out nuint start)
    {
        nuint length = placement.Sure;
        start = 0;
        if (length == 0)
        {
            return false;
        }

        for (int attempt = 0; attempt < Attempts && TryMap(length, out nuint first); attempt++)
        {
            if (!placement.TryLowest(first, first + (length - 1), out start))
            {
                Release(first, length);
                return false;
            }

            if (length == placement.Size)
            {
                return true;
            }

            if (system.ReleasesParts)
            {
                Trim(first, length, start, placement.Size);
                return true;
            }

            Release(first, length);
            if (TryMapAt(start, placement.Size))
            {
                return true;
            }
        }

        return false;
    }

    private bool TryPlaceInWindow(in Placement<nuint> placement, out nuint start)
    {
        nuint stride = nuint.Max(placement.Size, (nuint.Min(placement.Last, system.Highest) - placement.Min) / Probes);
        Placement<nuint> rest = placement;
        for (int probe = 0; probe < Probes && rest.TryLowest(system.Lowest, system.Highest, out start); probe++)
        {
            if (TryMapAt(start, placement.Size))
            {
                return true;
            }

            if (start > system.Highest - stride)
            {
                break;
            }

            rest = placement.NotBelow(start + stride);
        }

        start = 0;
        return false;
    }

    private void Trim(nuint first, nuint length, nuint start, nuint size)
    {
        nuint before = start - first;
        nuint behind = length - before - size;
        if (before != 0)
        {
            Release(first, before);
        }

        if (behind != 0)
        {
            Release(start + size, behind);
        }
    }

    /// <summary>Reserves that very place. Any failure means that it cannot be had.</summary>
    private bool TryMapAt(nuint place, nuint size)
    {
        if (system.Reserve((void*)place, size, out void* start) != 0)
        {
            return false;
        }

        if ((nuint)start == place)
        {
            return true;
        }

        Release((nuint)start, size);
        return false;
    }

    private bool TryMap(nuint size, out nuint first)
    {
        int error = system.Reserve(null, size, out void* start);
        first = (nuint)start;
        return error == 0 || (system.IsShortage(error) ? false : throw MemorySystem.Refusal(error, "reserve", null, size));
    }

    /// <summary>Offers the system again what it would not take back. True if it took any of it.</summary>
    private bool ReleaseStranded()
    {
        if (StrandedSize == 0)
        {
            return false;
        }

        nuint taken = 0;
        using (_lock.EnterScope())
        {
            for (int i = _stranded.Count - 1; i >= 0; i--)
            {
                (nuint start, nuint size) = _stranded[i];
                if (system.Release((void*)start, size) == 0)
                {
                    _stranded.RemoveAt(i);
                    taken += size;
                }
            }

            _strandedSize -= taken;
        }

        return taken != 0;
    }
}
