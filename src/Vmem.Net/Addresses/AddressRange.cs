using System.Net;

namespace Vmem.Net.Addresses;

/// <summary>A range of addresses by its first and its last one. A size would not do: ::/0 has none.</summary>
internal readonly record struct AddressRange(UInt128 First, UInt128 Last)
{
    public static AddressRange Of(IPNetwork prefix)
    {
        AddressKind kind = AddressKind.Of(prefix.BaseAddress);
        UInt128 start = kind.ToNumber(prefix.BaseAddress);
        return new AddressRange(start, kind.LastOf(start, prefix.PrefixLength));
    }

    public bool Contains(AddressRange other) => First <= other.First && other.Last <= Last;

    public bool Overlaps(AddressRange other) => First <= other.Last && other.First <= Last;

    /// <summary>What is left of some ranges, which must not overlap, without others, which may.</summary>
    public static IEnumerable<AddressRange> Subtract(IEnumerable<AddressRange> ranges, IEnumerable<AddressRange> others)
    {
        AddressRange[] excluded = [.. others.OrderBy(other => other.First)];
        foreach (AddressRange range in ranges)
        {
            UInt128 next = range.First;
            bool isUsedUp = false;
            foreach (AddressRange other in excluded.Where(other => other.Overlaps(range)))
            {
                if (other.First > next)
                {
                    yield return new AddressRange(next, other.First - 1);
                }

                isUsedUp |= other.Last >= range.Last;
                next = isUsedUp ? next : UInt128.Max(next, other.Last + 1);
                if (isUsedUp)
                {
                    break;
                }
            }

            if (!isUsedUp)
            {
                yield return new AddressRange(next, range.Last);
            }
        }
    }
}
