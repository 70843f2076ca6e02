using Vmem.Memory.Platform;
using Vmem.Platform;
using Vmem.Ranges;
using Vmem.Segments;
using Xunit;

namespace Vmem.Memory.Tests.Platform;

/// <summary>The system that the tests run on, with the rules of Windows: reservations start at multiples of 64 KiB and go back whole or not
/// at all, and a place that is asked for by name is had or not.</summary>
internal sealed unsafe class UntrimmableSystem : MemorySystem
{
    private readonly MemorySystem _system = Choose();
    private readonly AddressSpace _space = new(Choose());
    private readonly Dictionary<nuint, nuint> _reservations = [];

    /// <summary>So many times somebody else is quicker at a place that is asked for by name.</summary>
    public int LostRaces { get; set; }

    /// <summary>A place that is taken does not make the call fail: the system chooses another, as macOS does.</summary>
    public bool TakesPlacesAsWishes { get; init; }

    /// <summary>How many reservations there are.</summary>
    public int Outstanding => _reservations.Count;

    public override nuint Granularity => 0x1_0000;

    public override bool ReleasesParts => false;

    public override nuint Lowest => _system.Lowest;

    public override nuint Highest => _system.Highest;

    public override int Reserve(void* place, nuint size, out void* start)
    {
        start = null;
        if (SystemCallFault.IsDue(SystemCall.Reserve))
        {
            return 12;
        }

        nuint at = (nuint)place;
        Assert.Equal(0u, at % Granularity);
        if (place is not null && LostRaces > 0)
        {
            LostRaces--;
            if (!TakesPlacesAsWishes)
            {
                return 487;
            }

            at = 0;
        }

        RangeConstraints<nuint> constraints = new() { Align = Granularity, Min = at, Max = at == 0 ? 0 : at + size };
        if (!_space.TryReserve(new Placement<nuint>(size, constraints, _system.Granularity), out nuint first))
        {
            return place is null ? 12 : 487;
        }

        _reservations.Add(first, size);
        start = (void*)first;
        return 0;
    }

    public override int Release(void* start, nuint size)
    {
        Assert.Equal(size, _reservations[(nuint)start]);
        if (SystemCallFault.IsDue(SystemCall.Release))
        {
            return 12;
        }

        _ = _reservations.Remove((nuint)start);
        _space.Release((nuint)start, size);
        return 0;
    }

    public override int Commit(void* start, nuint size) => _system.Commit(start, size);

    public override int Decommit(void* start, nuint size) => _system.Decommit(start, size);

    public override int Discard(void* start, nuint size) => _system.Discard(start, size);

    public override int Protect(void* start, nuint size) => _system.Protect(start, size);

    public override int Unprotect(void* start, nuint size) => _system.Unprotect(start, size);

    public override int AdviseHuge(void* start, nuint size) => _system.AdviseHuge(start, size);

    public override int CountResident(void* start, nuint size, out nuint resident) => _system.CountResident(start, size, out resident);

    public override bool IsShortage(int error) => error == 12;
}
