using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Vmem.Net.Ports;

/// <summary>Which place in a range a key prefers: the first eight bytes of the SHA-256 of its UTF-8, big-endian, modulo the number of
/// places.</summary>
/// <remarks>The same in each process, on each machine and in each version: others can compute it, too. Rejected:
/// <see cref="string.GetHashCode()"/>, which differs from process to process.</remarks>
internal static class PortKey
{
    public static int PlaceOf(string key, int places)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        _ = SHA256.HashData(Encoding.UTF8.GetBytes(key), hash);
        return (int)(BinaryPrimitives.ReadUInt64BigEndian(hash) % (uint)places);
    }
}
