using System.Net;
using Vmem.Net.Addresses;

namespace Vmem.Net;

/// <summary>Reads and composes prefixes (<see cref="IPNetwork"/>), with errors that say what was meant.</summary>
public static class Prefix
{
    /// <summary>Reads a prefix in CIDR notation. An address alone is the prefix of its full length. IPv4 is four decimal numbers without
    /// leading zeros; brackets, ports and zones belong to no prefix.</summary>
    /// <param name="text">As in <c>10.0.0.0/24</c>, <c>2001:db8::/32</c> or <c>10.0.0.1</c>.</param>
    /// <returns>The prefix.</returns>
    /// <exception cref="FormatException">It is none. If bits behind the prefix are set, the message names the prefix that holds the
    /// address.</exception>
    public static IPNetwork Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        if (!AddressText.TryParse(slash < 0 ? text : text.AsSpan(0, slash), out IPAddress? address))
        {
            throw new FormatException($"'{text}' is no prefix: write an IPv4 or IPv6 address, a slash and a length, as in 10.0.0.0/24.");
        }

        AddressKind kind = AddressKind.Of(address);
        int length = kind.Bits;
        if (slash >= 0
            && !AddressText.TryParseNumber(text.AsSpan(slash + 1), kind.Bits, out length))
        {
            throw new FormatException($"'{text}' is no prefix: the length of an {kind.Name} prefix is a number from 0 to {kind.Bits}.");
        }

        IPNetwork prefix = Of(address, length);
        return kind.ToNumber(prefix.BaseAddress) == kind.ToNumber(address)
            ? prefix
            : throw new FormatException($"{text} has host bits set; did you mean {prefix}?");
    }

    /// <summary>The prefix of a length that holds an address.</summary>
    /// <param name="address">The address.</param>
    /// <param name="prefixLength">The length in bits.</param>
    /// <returns>The prefix: the address with all bits behind the length cleared.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative, or more than the address has.</exception>
    public static IPNetwork Of(IPAddress address, int prefixLength)
    {
        ArgumentNullException.ThrowIfNull(address);
        AddressKind kind = AddressKind.Of(address);
        ArgumentOutOfRangeException.ThrowIfNegative(prefixLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(prefixLength, kind.Bits);
        UInt128 start = kind.ToNumber(address) & ~(kind.SizeOf(prefixLength) - 1);
        return kind.ToPrefix(start, prefixLength);
    }

    /// <summary>The fewest prefixes that make up a range of addresses.</summary>
    /// <param name="first">The first address.</param>
    /// <param name="last">The last address, of the same family and not below the first.</param>
    /// <returns>The prefixes, in order of address: at most two for each bit of an address.</returns>
    /// <exception cref="ArgumentException">The addresses are of different families, or the last is below the first.</exception>
    public static IReadOnlyList<IPNetwork> Cover(IPAddress first, IPAddress last)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(last);
        AddressKind kind = AddressKind.Of(first);
        if (AddressKind.Of(last) != kind || kind.ToNumber(last) < kind.ToNumber(first))
        {
            throw new ArgumentException($"From {first} to {last} is no range of addresses.", nameof(last));
        }

        return [.. kind.Cover(kind.ToNumber(first), kind.ToNumber(last))];
    }
}
