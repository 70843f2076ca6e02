using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vmem.Segments;

/// <summary>A hash of the starts of segments that nobody outside can foretell.</summary>
/// <remarks>
/// <para>
/// A start is multiplied by a secret odd number of the table's own, and the product's 64 bits are folded to 32 by a CRC. Whoever chooses
/// the places of ranges cannot choose them so that they share a bucket: that depends on the secret.
/// </para>
/// <para>
/// Rejected: a known multiplier (20,000 chosen starts made a free take 41 µs); and the secret product's top bits alone. Starts at equal
/// distances, the usual case, are then spread well or badly by luck: at 20,000 of them 1 secret in 20 made a look-up twice as long, and 1
/// in 200 twenty times. Behind the CRC all distances from 1 to 2^47 take the 1.27 probes of random starts, give or take a fifth; only those
/// of 2^44 take 1.5. Rejected: a second multiplication instead of the CRC, which takes longer and does worse.
/// </para>
/// </remarks>
internal readonly struct StartHash<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly ulong _multiplier;
    private readonly ulong _highMultiplier;       // for what a start has above its 64th bit

    private StartHash(ulong multiplier, ulong highMultiplier)
    {
        _multiplier = multiplier | 1;
        _highMultiplier = highMultiplier | 1;
    }

    /// <summary>A hash with a secret of its own. The system's random numbers are behind a GUID; a generator of cryptography would bring in
    /// an assembly.</summary>
    public static StartHash<T> Create()
    {
        Guid guid = Guid.NewGuid();
        ReadOnlySpan<ulong> secret = MemoryMarshal.Cast<Guid, ulong>(new ReadOnlySpan<Guid>(in guid));
        return new StartHash<T>(secret[0], secret[1]);
    }

    /// <summary>The hash of a start. Starts are multiples of the quantum; the shift drops the bits that are always zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Of(T start, int quantumShift)
    {
        T units = start >> quantumShift;
        ulong product = ulong.CreateTruncating(units) * _multiplier;
        if (Unsafe.SizeOf<T>() > sizeof(ulong))
        {
            product += ulong.CreateTruncating(units >>> 64) * _highMultiplier;
        }

        return BitOperations.Crc32C(0, product);
    }
}
