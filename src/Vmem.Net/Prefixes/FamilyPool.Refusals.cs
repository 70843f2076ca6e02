using System.Net;
using Vmem.Net.Addresses;

namespace Vmem.Net.Prefixes;

// Why a prefix is not to be had, or cannot be freed: in the language of networks.
internal sealed partial class FamilyPool
{
    /// <summary>Why a given prefix is not to be had.</summary>
    public PrefixUnavailableException WhyNotClaimed(IPNetwork prefix)
    {
        AddressRange range = AddressRange.Of(prefix);
        if (_source is null && !_networks.Any(network => AddressRange.Of(network).Contains(range)) && !IsWithinSpans(range, excluded: true))
        {
            return new(PrefixObstacle.OutsidePool, $"{prefix} {(_networks.Any(network => AddressRange.Of(network).Overlaps(range)) ? "reaches out of" : "is outside")} pool '{_pool}' ({List(_networks)}).");
        }

        foreach (IPNetwork exclusion in _exclusions.Where(exclusion => WholeUnits(exclusion).Overlaps(range)))
        {
            return new(PrefixObstacle.Excluded, $"{prefix} is not to be had: {exclusion} is excluded from pool '{_pool}'.");
        }

        if (FirstObstacle(range) is { } obstacle)
        {
            PrefixAllocation holder = Allocation(obstacle);
            return obstacle.Kind == SegmentKind.Resting
                ? new(PrefixObstacle.Resting, $"{prefix} is not to be had: {holder} was freed in pool '{_pool}' and rests.", holder)
                : new(PrefixObstacle.Taken, $"{prefix} is taken by {holder} in pool '{_pool}'.", holder);
        }

        return _source is null || IsWithinSpans(range, excluded: false)
            ? new(PrefixObstacle.Taken, $"{prefix} was taken in pool '{_pool}' when it was asked for, and is free by now: try again.")
            : _source.WhyNotClaimed(prefix);
    }

    /// <summary>Why there is no prefix of a length.</summary>
    public PrefixUnavailableException WhyNotAllocated(int prefixLength, IPNetwork? parent)
    {
        if (parent is { } window && _source is null
            && !_networks.Any(network => AddressRange.Of(network).Overlaps(AddressRange.Of(window))))
        {
            return new(PrefixObstacle.OutsidePool, $"{window} is outside pool '{_pool}' ({List(_networks)}).");
        }

        AddressRange within = parent is { } place ? AddressRange.Of(place) : new AddressRange(0, UInt128.MaxValue);
        IPNetwork? largest = null;
        foreach (Segment<UInt128> segment in Arena.GetSegments().Where(segment => segment.Kind == SegmentKind.Free))
        {
            var free = new AddressRange(UInt128.Max(segment.Start, within.First), UInt128.Min(LastOf(segment), within.Last));
            foreach (IPNetwork prefix in free.First <= free.Last ? Kind.Cover(free.First, free.Last) : [])
            {
                largest = largest is { } found && found.PrefixLength <= prefix.PrefixLength ? found : prefix;
            }
        }

        string where = parent is null ? $"pool '{_pool}'" : $"{parent} of pool '{_pool}'";
        string left = largest is null ? "nothing is free there" : $"the largest free prefix is {largest}";
        string source = _source is null ? "" : $" Its source, pool '{_source._pool}', has none to give.";
        return new(PrefixObstacle.NoRoom, $"No /{prefixLength} is free in {where}: {left}.{source}");
    }

    private static string List(IPNetwork[] networks) =>
        networks.Length <= 4 ? string.Join(", ", networks) : $"{string.Join(", ", networks.Take(3))} and {networks.Length - 3} more";

    /// <summary>The lowest segment in a range that is not free.</summary>
    private Segment<UInt128>? FirstObstacle(AddressRange range)
    {
        for (UInt128 at = range.First; Arena.TryGetSegment(at, out Segment<UInt128> segment); at = LastOf(segment) + 1)
        {
            if (segment.Kind != SegmentKind.Free)
            {
                return segment;
            }

            if (LastOf(segment) >= range.Last)
            {
                break;
            }
        }

        return null;
    }

    private string WhyNotFreed(IPNetwork prefix, InvalidFreeReason reason)
    {
        AddressRange range = AddressRange.Of(prefix);
        return FirstObstacle(range) switch
        {
            { Kind: SegmentKind.Allocated } holder when reason != InvalidFreeReason.AlreadyFree => $"what is allocated there is {Allocation(holder)}.",
            { Kind: SegmentKind.Resting } => "it was freed already, and rests.",
            _ when Arena.Contains(range.First) => "it is free already, or never was allocated.",
            _ => "it is outside the pool, or excluded.",
        };
    }
}
