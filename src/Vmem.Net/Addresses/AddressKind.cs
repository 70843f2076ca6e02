using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Vmem.Net.Addresses;

/// <summary>IPv4 or IPv6: how its addresses are numbers, and its prefixes ranges of them.</summary>
/// <remarks>Both are numbers of 128 bits, so that all code is one. Rejected: 32 bits for IPv4, where 0.0.0.0/0 has no size.</remarks>
internal sealed class AddressKind
{
    public static readonly AddressKind V4 = new(AddressFamily.InterNetwork, 32);
    public static readonly AddressKind V6 = new(AddressFamily.InterNetworkV6, 128);

    private AddressKind(AddressFamily family, int bits)
    {
        Family = family;
        Bits = bits;
    }

    public AddressFamily Family { get; }

    /// <summary>The length of the longest prefix.</summary>
    public int Bits { get; }

    public string Name => Bits == 32 ? "IPv4" : "IPv6";

    public static AddressKind Of(IPAddress address) => Of(address.AddressFamily);

    public static AddressKind Of(AddressFamily family) => family switch
    {
        AddressFamily.InterNetwork => V4,
        AddressFamily.InterNetworkV6 => V6,
        _ => throw new ArgumentException($"{family} is neither IPv4 (InterNetwork) nor IPv6 (InterNetworkV6).", nameof(family)),
    };

    public UInt128 ToNumber(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        _ = address.TryWriteBytes(bytes, out _);
        return Bits == 32 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    public IPAddress ToAddress(UInt128 number)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, number);
        return new IPAddress(bytes[(16 - (Bits >> 3))..]);
    }

    /// <summary>How many addresses a prefix has; 0 for ::/0, whose 2^128 no number of 128 bits says.</summary>
    public UInt128 SizeOf(int prefixLength) => prefixLength == 0 && Bits == 128 ? 0 : UInt128.One << (Bits - prefixLength);

    /// <summary>The last address of the prefix that begins there.</summary>
    public UInt128 LastOf(UInt128 start, int prefixLength) => start + (SizeOf(prefixLength) - 1);

    public IPNetwork ToPrefix(UInt128 start, int prefixLength) => new(ToAddress(start), prefixLength);

    /// <summary>The fewest prefixes that make up a range, in order of address.</summary>
    public IEnumerable<IPNetwork> Cover(UInt128 first, UInt128 last)
    {
        while (true)
        {
            // As large as the alignment of the first address allows, and as what is left does.
            UInt128 left = last - first;
            int order = Math.Min(
                first == 0 ? Bits : (int)UInt128.TrailingZeroCount(first),
                left == UInt128.MaxValue ? Bits : (int)UInt128.Log2(left + 1));
            yield return ToPrefix(first, Bits - order);
            UInt128 end = LastOf(first, Bits - order);
            if (end == last)
            {
                yield break;
            }

            first = end + 1;
        }
    }

    /// <summary>How many prefixes of a length lie wholly in a range; at most what 128 bits say.</summary>
    public UInt128 Count(UInt128 first, UInt128 last, int prefixLength)
    {
        int order = Bits - prefixLength;
        if (order == 128)
        {
            return first == 0 && last == UInt128.MaxValue ? UInt128.One : UInt128.Zero;
        }

        // Prefixes are counted by their numbers, from the first that begins in the range to the last that ends there.
        UInt128 mask = SizeOf(prefixLength) - 1;
        UInt128 from = (first >> order) + ((first & mask) == 0 ? UInt128.Zero : UInt128.One);
        UInt128 through = last >> order;
        bool isWhole = (last & mask) == mask;
        if (from > through || (from == through && !isWhole))
        {
            return 0;
        }

        UInt128 count = through - from + (isWhole ? UInt128.One : UInt128.Zero);
        return count == 0 && isWhole ? UInt128.MaxValue : count;     // every address of IPv6 is one too many
    }
}
