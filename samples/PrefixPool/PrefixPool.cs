using System.Buffers.Binary;
using System.Net;

namespace Vmem.Samples;

/// <summary>
/// A pool of IPv6 prefixes: an arena of 128-bit addresses. A prefix of length n is a range of 2^(128-n) addresses that starts at a
/// multiple of its size, which is what <see cref="RangeConstraints{T}.Align"/> asks for.
/// </summary>
/// <remarks>Pools nest: a site's pool imports whole /48s from its provider's when it runs out, and gives them back when they are
/// free.</remarks>
internal sealed class PrefixPool : IDisposable
{
    private readonly Arena<UInt128> _addresses;

    /// <summary>A pool over one network, which hands out prefixes no longer than <paramref name="longest"/>.</summary>
    public PrefixPool(string name, IPNetwork network, int longest)
    {
        UInt128 start = BinaryPrimitives.ReadUInt128BigEndian(network.BaseAddress.GetAddressBytes());
        _addresses = new Arena<UInt128>(
            name,
            start,
            SizeOf(network.PrefixLength),
            SizeOf(longest),
            new ArenaOptions<UInt128> { Policy = FitPolicy.FirstFit });
    }

    /// <summary>A pool that starts empty and takes what it needs from another.</summary>
    public PrefixPool(string name, PrefixPool provider, int longest)
    {
        // Best fit fills up the gaps between networks, so that large prefixes stay whole for whoever needs one.
        _addresses = new Arena<UInt128>(
            name,
            SizeOf(longest),
            new ArenaOptions<UInt128> { Policy = FitPolicy.BestFit, Source = provider._addresses });
    }

    public string Name => _addresses.Name;

    public ArenaStatistics<UInt128> Statistics => _addresses.GetStatistics();

    /// <summary>The networks that the pool hands out from: what it was made with, or has imported.</summary>
    public IEnumerable<IPNetwork> Spans =>
        from segment in _addresses.GetSegments()
        where segment.Kind == SegmentKind.Span
        select ToNetwork(segment.Start, 128 - (int)UInt128.Log2(segment.Size));

    /// <exception cref="ArenaExhaustedException">No prefix of this length is free; the message says why.</exception>
    public IPNetwork Delegate(int prefixLength)
    {
        UInt128 size = SizeOf(prefixLength);
        return ToNetwork(_addresses.AllocateConstrained(size, new RangeConstraints<UInt128> { Align = size }), prefixLength);
    }

    /// <exception cref="InvalidFreeException">This prefix was not delegated, or has been returned before.</exception>
    public void Return(IPNetwork prefix) =>
        _addresses.FreeConstrained(
            BinaryPrimitives.ReadUInt128BigEndian(prefix.BaseAddress.GetAddressBytes()),
            SizeOf(prefix.PrefixLength));

    /// <summary>How many prefixes of a length an amount of addresses comes to.</summary>
    public static UInt128 Count(UInt128 addresses, int prefixLength) => addresses / SizeOf(prefixLength);

    /// <summary>Gives everything back to the provider, whatever was not returned included.</summary>
    public void Dispose() => _addresses.Dispose();

    private static UInt128 SizeOf(int prefixLength) => UInt128.One << (128 - prefixLength);

    private static IPNetwork ToNetwork(UInt128 start, int prefixLength)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, start);
        return new IPNetwork(new IPAddress(bytes), prefixLength);
    }
}
