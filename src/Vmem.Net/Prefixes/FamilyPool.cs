using System.Net;
using Vmem.Net.Addresses;

namespace Vmem.Net.Prefixes;

/// <summary>The prefixes of one family: an arena of addresses.</summary>
/// <remarks>
/// A prefix of length n is a range of 2^(bits - n) addresses at a multiple of its size, which is what an alignment says. What is excluded
/// lies in no span of the arena. So it is in no figure, and nothing can free it. Rejected: exclusions as allocated ranges, which have to be
/// told from those of callers in each list, count and look-up.
/// </remarks>
internal sealed partial class FamilyPool : IDisposable
{
    private readonly string _pool;
    private readonly int _longest;
    private readonly FamilyPool? _source;
    private readonly IPNetwork[] _networks;
    private readonly IPNetwork[] _exclusions;
    private readonly bool _isWhole;

    public FamilyPool(string pool, AddressKind kind, IPNetwork[] networks, PrefixPoolOptions options, FamilyPool? source)
    {
        _pool = pool;
        Kind = kind;
        _longest = kind == AddressKind.V4 ? options.LongestV4 : options.LongestV6;
        _source = source;
        _networks = [.. networks.OrderBy(network => AddressRange.Of(network).First)];
        _exclusions = [.. options.Exclusions.Where(exclusion => AddressKind.Of(exclusion.BaseAddress) == kind)];
        if (_longest < 0 || _longest > kind.Bits || kind.SizeOf(_longest) == 0)
        {
            throw new ArgumentException($"The longest {kind.Name} prefix of a pool must be from {(kind == AddressKind.V4 ? 0 : 1)} to {kind.Bits} bits long: {_longest}.", nameof(options));
        }

        AddressRange[] spans = Spans();
        var settings = new ArenaOptions<UInt128>
        {
            Policy = options.Policy,
            Tagged = true,
            ReuseDelay = options.ReuseDelay,
            TimeProvider = options.TimeProvider,
            Source = source?.Arena,
            RetainedImport = source is null ? UInt128.Zero : ArenaOptions<UInt128>.RetainNone,
        };
        string name = $"{pool}.{kind.Name}";
        _isWhole = spans is [{ First: var first, Last: var last }] && first == 0 && last == UInt128.MaxValue;
        if (_isWhole)
        {
            Arena = Arena<UInt128>.OverAll(name, kind.SizeOf(_longest), settings);
            return;
        }

        Arena = new Arena<UInt128>(name, kind.SizeOf(_longest), settings);
        try
        {
            foreach (AddressRange span in spans)
            {
                Arena.AddSpan(span.First, span.Last - span.First + 1);
            }
        }
        catch
        {
            Arena.Dispose();
            throw;
        }
    }

    public AddressKind Kind { get; }

    public Arena<UInt128> Arena { get; }

    public IReadOnlyList<IPNetwork> Exclusions => _exclusions;

    /// <summary>The networks the pool was made of; above another pool, what it has of that one now.</summary>
    public IEnumerable<IPNetwork> Networks =>
        _source is null ? _networks : Arena.GetSegments().Where(segment => segment.Kind == SegmentKind.Span).SelectMany(Cover);

    public void Dispose() => Arena.Dispose();

    public bool TryAllocate(int prefixLength, AddressRange? window, ulong tag, out IPNetwork prefix)
    {
        UInt128 size = CheckedSize(prefixLength);
        RangeConstraints<UInt128> constraints = window is { } within
            ? new() { Align = size, Tag = tag, Min = within.First, Max = within.Last + 1 }       // 0 behind the last address: no bound
            : new() { Align = size, Tag = tag };
        bool isFound = Arena.TryAllocateConstrained(size, constraints, out UInt128 start);
        prefix = isFound ? Kind.ToPrefix(start, prefixLength) : default;
        return isFound;
    }

    public bool TryClaim(IPNetwork prefix, ulong tag)
    {
        UInt128 size = CheckedSize(prefix.PrefixLength);
        UInt128 start = Kind.ToNumber(prefix.BaseAddress);
        return Arena.TryAllocateConstrained(size, new() { Min = start, Max = start + size, Tag = tag }, FitPolicy.InstantFit, out _);
    }

    public void Free(IPNetwork prefix, TimeSpan? delay)
    {
        UInt128 size = CheckedSize(prefix.PrefixLength);
        UInt128 start = Kind.ToNumber(prefix.BaseAddress);
        try
        {
            if (delay is { } rest)
            {
                Arena.FreeAfter(start, size, rest);
            }
            else
            {
                Arena.Free(start, size);
            }
        }
        catch (InvalidFreeException wrong)
        {
            throw new InvalidFreeException(wrong.Reason, start, size, $"{prefix} cannot be freed in pool '{_pool}': {WhyNotFreed(prefix, wrong.Reason)} Nothing was changed.");
        }
    }

    /// <summary>The lowest free prefix of a length.</summary>
    public bool TryPeek(int prefixLength, out IPNetwork prefix)
    {
        UInt128 size = CheckedSize(prefixLength);
        FitReport<UInt128> report = Arena.Explain(size, new() { Align = size });
        prefix = report.Fits ? Kind.ToPrefix(report.Start, prefixLength) : default;
        return report.Fits;
    }

    public UInt128 CountFree(int prefixLength)
    {
        _ = CheckedLength(prefixLength);
        UInt128 count = 0;
        foreach (Segment<UInt128> segment in Arena.GetSegments().Where(segment => segment.Kind == SegmentKind.Free))
        {
            UInt128 more = Kind.Count(segment.Start, LastOf(segment), prefixLength);
            count = more > UInt128.MaxValue - count ? UInt128.MaxValue : count + more;
        }

        return count;
    }

    public IEnumerable<IPNetwork> GetFree() =>
        Arena.GetSegments().Where(segment => segment.Kind == SegmentKind.Free).SelectMany(Cover);

    /// <remarks>Each is looked up as it is reported: the list of segments cuts one off that came to lie across the end of a batch, and what
    /// is left would pass for a prefix that nobody has.</remarks>
    public IEnumerable<PrefixAllocation> GetAllocated()
    {
        UInt128 next = 0;                                      // what lies below was reported
        foreach (Segment<UInt128> listed in Arena.GetSegments())
        {
            if (listed.Kind == SegmentKind.Allocated && listed.Start >= next
                && Arena.TryGetSegment(listed.Start, out Segment<UInt128> segment) && segment.Kind == SegmentKind.Allocated)
            {
                yield return Allocation(segment);
                next = LastOf(segment) + 1;
                if (next == 0)
                {
                    yield break;
                }
            }
        }
    }

    public bool TryGetHolder(UInt128 address, out PrefixAllocation holder)
    {
        bool isHeld = Arena.TryGetSegment(address, out Segment<UInt128> segment) && segment.Kind == SegmentKind.Allocated;
        holder = isHeld ? Allocation(segment) : default;
        return isHeld;
    }

    public PrefixAllocation Allocation(Segment<UInt128> segment) => new(Cover(segment).First(), segment.Tag);

    // All 2^128 addresses are said as one less, as no size says them. So is all but the last, and a look at the last tells which.
    private UInt128 LastOf(Segment<UInt128> segment) =>
        _isWhole && segment is { Start: var start, Size: var size } && start == 0 && size == UInt128.MaxValue
        && (segment.Kind == SegmentKind.Span || (Arena.TryGetSegment(UInt128.MaxValue, out Segment<UInt128> top) && top.Start == 0))
            ? UInt128.MaxValue
            : segment.Start + (segment.Size - 1);

    private IEnumerable<IPNetwork> Cover(Segment<UInt128> segment) => Kind.Cover(segment.Start, LastOf(segment));

    private int CheckedLength(int prefixLength) => prefixLength >= 0 && prefixLength <= _longest
        ? prefixLength
        : throw new ArgumentOutOfRangeException(nameof(prefixLength), prefixLength, $"The length of an {Kind.Name} prefix of pool '{_pool}' is from 0 to {_longest}.");

    private UInt128 CheckedSize(int prefixLength)
    {
        UInt128 size = Kind.SizeOf(CheckedLength(prefixLength));
        return size == 0
            ? throw new ArgumentOutOfRangeException(nameof(prefixLength), prefixLength, "All of IPv6 is no prefix that can be given: take ::/1 and 8000::/1.")
            : size;
    }

    private AddressRange WholeUnits(IPNetwork prefix) =>
        AddressRange.Of(prefix.PrefixLength <= _longest ? prefix : Prefix.Of(prefix.BaseAddress, _longest));

    private AddressRange[] Spans()
    {
        List<AddressRange> ranges = [];
        foreach (IPNetwork network in _networks)
        {
            AddressRange range = AddressRange.Of(network);
            if (network.PrefixLength > _longest)
            {
                throw new ArgumentException($"Network {network} is smaller than a /{_longest}, the unit of pool '{_pool}'.");
            }

            if (ranges.Count > 0 && ranges[^1].Last >= range.First)
            {
                throw new ArgumentException($"Network {network} overlaps another network of pool '{_pool}'.");
            }

            if (ranges.Count > 0 && ranges[^1].Last + 1 == range.First)
            {
                ranges[^1] = ranges[^1] with { Last = range.Last };        // prefixes may lie across networks that touch
            }
            else
            {
                ranges.Add(range);
            }
        }

        return [.. AddressRange.Subtract(ranges, _exclusions.Select(WholeUnits))];
    }

    /// <summary>Whether all of a range is the pool's; with <paramref name="excluded"/>, also where it is excluded.</summary>
    private bool IsWithinSpans(AddressRange range, bool excluded)
    {
        IEnumerable<AddressRange> spans = Arena.GetSegments().Where(segment => segment.Kind == SegmentKind.Span)
            .Select(span => new AddressRange(span.Start, LastOf(span)));
        return !AddressRange.Subtract([range], excluded ? spans.Concat(_exclusions.Select(WholeUnits)) : spans).Any();
    }
}
