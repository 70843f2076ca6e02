using System.Runtime.CompilerServices;

namespace Vmem.Leasing.Journals;

/// <summary>The checksum of records: two multiplications. It finds what a power failure tears; it is no defence against forgers.</summary>
/// <remarks>Rejected: CRC-32. A wrong record would pass once in 2^32, and without a hardware instruction for 64 bits it takes
/// longer.</remarks>
internal static class JournalHash
{
    // Odd, with as many bits set as not, and none a multiple of another: as wyhash chooses its own.
    private const ulong First = 0x9E3779B97F4A7C15;
    private const ulong Second = 0xD6E8FEB86659FD93;

    /// <summary>Mixes two words into a sum. Equal words in another order give another sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Mix(ulong sum, ulong one, ulong other)
    {
        ulong high = Math.BigMul(one ^ sum ^ First, other ^ Second, out ulong low);
        return high ^ low ^ (one + First) ^ ulong.RotateLeft(other + Second, 32);
    }

    /// <summary>The sum of a text.</summary>
    public static ulong Of(string text)
    {
        ulong sum = (ulong)text.Length;
        foreach (char letter in text)
        {
            sum = Mix(sum, letter, Second);
        }

        return sum;
    }
}
