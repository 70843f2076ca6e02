using System.Buffers.Binary;
using System.Diagnostics;

namespace Vmem.Leasing;

/// <summary>The answer to a renewal.</summary>
/// <param name="Beat">How often the session was renewed.</param>
/// <param name="Incarnation">The store's incarnation.</param>
/// <param name="Held">How many leases the store knows of the session.</param>
[DebuggerDisplay("beat {Beat}, {Held} held, incarnation {Incarnation}")]
public sealed record LeaseRenewal(long Beat, int Incarnation, long Held)
{
    private const long DigestMask = (1L << 48) - 1;

    /// <summary>Which leases those are: the <see cref="DigestOf"/> their requests. Null: the engine is older than this. Then a session that
    /// holds anything reads the list of its leases after each renewal.</summary>
    /// <remarks>A count is not enough. A lease that was taken from the session, and one that it was granted and does not know of, are no
    /// difference in number.</remarks>
    public long? Digest { get; init; }

    /// <summary>The sum of the last 48 bits of some requests' numbers, modulo 2^48. In the text of a number these are its last 12 digits,
    /// and all of them are drawn at random. So two sets that differ have the same digest once in 2^48 times.</summary>
    /// <param name="requests">Their numbers.</param>
    /// <returns>The digest; 0 if there are none.</returns>
    /// <exception cref="ArgumentNullException">There is no list.</exception>
    /// <remarks>O(requests). Their order does not count.</remarks>
    public static long DigestOf(IEnumerable<Guid> requests)
    {
        ArgumentNullException.ThrowIfNull(requests);
        Span<byte> bytes = stackalloc byte[16];
        long digest = 0;
        foreach (Guid request in requests)
        {
            request.TryWriteBytes(bytes, bigEndian: true, out _);
            digest = (digest + BinaryPrimitives.ReadInt64BigEndian(bytes[8..])) & DigestMask;
        }

        return digest;
    }
}
